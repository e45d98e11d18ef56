"""The tree side of the AST-Probe (Lopez et al. 2022, arXiv 2206.11719) in plain recursion, to hold ssmi against.

  cd tests/data/languages
  python ../../integration/ast_reference.py sample.{py,java,go,js,ts,tsx,c,cc} > ../../golden/constituents.jsonl

writes what it gives for each file, for tests/code/constituents_reference_test.cc. Leaves are those of
docs/parse.md. It needs a Python with

  pip install tree-sitter==0.25.2 tree-sitter-python==0.25.0 tree-sitter-java==0.23.5 tree-sitter-go==0.25.0 \\
      tree-sitter-javascript==0.25.0 tree-sitter-typescript==0.23.2 tree-sitter-c==0.24.1 tree-sitter-cpp==0.23.4

A tree is a leaf's number, or (label, trees). "predicted" are heights, labels and unary labels that were
disturbed at random, what tree they give, and how far that agrees with the file's.
"""
import importlib
import json
import random
import re
import sys
from collections import Counter
from pathlib import Path

import tree_sitter

SEPARATOR = "<sep>"
GRAMMARS = {".py": "python", ".java": "java", ".go": "go", ".js": "javascript", ".ts": "typescript",
            ".tsx": "typescript", ".c": "c", ".cc": "cpp"}
SCRIPT_STRINGS = {"string", "template_string", "template_literal_type", "regex"}
C_STRINGS = {"string_literal", "char_literal", "raw_string_literal"}
STRINGS = {".py": {"string"}, ".java": {"string_literal"},
           ".go": {"interpreted_string_literal", "raw_string_literal"}, ".js": SCRIPT_STRINGS,
           ".ts": SCRIPT_STRINGS, ".tsx": SCRIPT_STRINGS, ".c": C_STRINGS, ".cc": C_STRINGS}
LEFT_OUT = {"comment", "line_comment", "block_comment", "html_comment", "hash_bang_line", "line_continuation"}


def parse(source, extension):
    grammar = importlib.import_module("tree_sitter_" + GRAMMARS[extension])
    name = {".ts": "language_typescript", ".tsx": "language_tsx"}.get(extension, "language")
    language = tree_sitter.Language(getattr(grammar, name)())
    return tree_sitter.Parser(language).parse(source).root_node


def is_plain_string(node):
    if node.type == "concatenated_string":
        return all(is_plain_string(part) for part in node.children if part.type == "string")
    if node.type != "string":
        return False
    prefix = re.match(rb"[^'\"]*", node.text)[0]
    return not set(prefix.lower()) & set(b"bft")


def is_docstring(node, parent):
    if node.type != "expression_statement" or len(node.children) != 1 or not is_plain_string(node.children[0]):
        return False
    if [child for child in parent.children if child.type != "comment"][0] != node:
        return False
    owner = parent.parent
    return parent.type == "module" or (
        parent.type == "block" and owner.type in ("function_definition", "class_definition"))


def tree_of(root, extension):
    """The tree of a file and how many leaves it has; the tree is None where it has none."""
    leaves = 0

    def build(node, parent):
        nonlocal leaves
        python = extension == ".py"
        if node.type in LEFT_OUT or python and (node.type == ";" or parent and is_docstring(node, parent)):
            return None
        if node.type in STRINGS[extension] or not node.children:
            if not node.text.strip(b" \t\r\n\f"):
                return None
            leaves += 1
            return leaves - 1
        children = [tree for tree in (build(child, node) for child in node.children) if tree is not None]
        return (node.type, children) if children else None

    return build(root, None), leaves


def is_leaf(tree):
    return isinstance(tree, int)


def binary(tree):
    """A tree of leaves (number, unary label) and nodes (label, left, right)."""
    if is_leaf(tree):
        return (tree, "")
    label, children = tree
    while len(children) == 1 and not is_leaf(children[0]):
        label += SEPARATOR + children[0][0]
        children = children[0][1]
    if len(children) == 1:
        return (children[0], label)
    rest = children[1] if len(children) == 2 else ("", children[1:])
    return (label, binary(children[0]), binary(rest))


def flat(tree):
    """Heights, labels and unary labels of a binary tree, and its height."""
    if len(tree) == 2:
        return [], [], [tree[1]], 0
    label, left, right = tree
    heights, labels, unary, height = flat(left)
    more_heights, more_labels, more_unary, other = flat(right)
    height = max(height, other) + 1
    return heights + [height] + more_heights, labels + [label] + more_labels, unary + more_unary, height


def under(label, trees):
    """The trees below nodes with the parts of a fused label, the first outermost."""
    for part in reversed(label.split(SEPARATOR)) if label else []:
        trees = [(part, trees)]
    return trees


def unflat(heights, labels, unary, first=0):
    """The trees that the sequences stand for: several where the top node has no label."""
    if not heights:
        return under(unary[0], [first])
    at = heights.index(max(heights))
    left = unflat(heights[:at], labels[:at], unary[:at + 1], first)
    right = unflat(heights[at + 1:], labels[at + 1:], unary[at + 1:], first + at + 1)
    return under(labels[at], left + right)


def leaves_of(tree):
    return [tree] if is_leaf(tree) else [leaf for child in tree[1] for leaf in leaves_of(child)]


def constituents(trees):
    """[label, first leaf, one past the last] of every node, in preorder."""
    found = []
    for tree in trees:
        if not is_leaf(tree):
            leaves = leaves_of(tree)
            found += [[tree[0], leaves[0], leaves[-1] + 1], *constituents(tree[1])]
    return found


def agreement(answer, predicted):
    answer, predicted = (Counter(map(tuple, some)) for some in (answer, predicted))
    both = (answer & predicted).total()
    precision, recall = both / predicted.total(), both / answer.total()
    return precision, recall, 2 * precision * recall / (precision + recall) if both else 0.0


def disturbed(heights, labels, unary, draw):
    """Heights with noise, rounded so that some are equal; a tenth of the labels those of another place."""
    def some_moved(values):
        return [draw.choice(values) if draw.random() < 0.1 else value for value in values]

    return [round(height + draw.gauss(0, 0.5), 1) for height in heights], some_moved(labels), some_moved(unary)


def row(path):
    root = parse(path.read_bytes(), path.suffix)
    tree, count = tree_of(root, path.suffix)
    answer = constituents([tree])
    heights, labels, unary, _ = flat(binary(tree))
    assert not root.has_error and len(unary) == count and constituents(unflat(heights, labels, unary)) == answer
    predicted = dict(zip(("heights", "labels", "unary"),
                         disturbed(heights, labels, unary, random.Random(path.name))))
    found = constituents(unflat(**predicted))
    return {"file": path.name, "constituents": answer, "heights": heights, "labels": labels, "unary": unary,
            "predicted": {**predicted, "constituents": found, "agreement": agreement(answer, found)}}


if __name__ == "__main__":
    sys.setrecursionlimit(100_000)
    for name in sys.argv[1:]:
        print(json.dumps(row(Path(name)), separators=(",", ":")))
