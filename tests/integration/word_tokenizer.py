"""A tokenizer of eleven whole words, for tests of tiny models."""
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors

SPECIAL = ["<pad>", "<s>", "</s>", "<mask>", "<unk>"]
WORDS = ["a", "b", "c", "d", "e", "f"]


def word_tokenizer():
    tokenizer = Tokenizer(models.WordPiece({name: i for i, name in enumerate(SPECIAL + WORDS)},
                                           unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 1))
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in SPECIAL])
    return tokenizer
