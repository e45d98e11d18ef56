#include "language_table.h"

extern "C" {
const TSLanguage* tree_sitter_c();
const TSLanguage* tree_sitter_cpp();
const TSLanguage* tree_sitter_go();
const TSLanguage* tree_sitter_java();
const TSLanguage* tree_sitter_javascript();
const TSLanguage* tree_sitter_python();
const TSLanguage* tree_sitter_tsx();
const TSLanguage* tree_sitter_typescript();
}

namespace ssmi::code {
namespace {

using Names = LanguageRow::Names;

Names with(Names names, const Names& more) {
  names.insert(names.end(), more.begin(), more.end());
  return names;
}

LanguageRow python() {
  return {
      .name = "Python",
      .short_name = "python",
      .grammar = tree_sitter_python,
      .version = SSMI_TREE_SITTER_PYTHON_VERSION,
      .flow = FlowRules::kPython,
      .extensions = {".py"},
      .strings = {"string"},
      .left_out = {"comment", "line_continuation", ";"},
      .blocks = {"block"},
      .functions = {"function_definition"},
      .keywords = {"def",    "for",   "if",       "none",  "else",  "false",  "and",   "return",
                   "not",    "elif",  "with",     "try",   "raise", "except", "break", "while",
                   "assert", "print", "continue", "class", "true",  "or"},
      .type_names = {},
      .wrappers = {},
  };
}

LanguageRow java() {
  return {
      .name = "Java",
      .short_name = "java",
      .grammar = tree_sitter_java,
      .version = SSMI_TREE_SITTER_JAVA_VERSION,
      .flow = FlowRules::kBraces,
      .extensions = {".java"},
      .strings = {"string_literal"},
      .left_out = {"line_comment", "block_comment"},
      .blocks = {"block", "class_body", "constructor_body", "enum_body", "enum_body_declarations",
                 "interface_body", "switch_block"},
      .functions = {"method_declaration", "constructor_declaration",
                    "compact_constructor_declaration"},
      .keywords = {"if",     "else",         "for",     "while",      "do",    "switch",
                   "case",   "default",      "return",  "try",        "catch", "finally",
                   "throw",  "throws",       "break",   "continue",   "class", "interface",
                   "enum",   "record",       "extends", "implements", "new",   "instanceof",
                   "assert", "synchronized", "yield",   "true",       "false", "null_literal"},
      .type_names = {"type_identifier", "boolean_type", "void_type"},
      .wrappers = {{"class A {\n", "\n}"}},
  };
}

LanguageRow go() {
  return {
      .name = "Go",
      .short_name = "go",
      .grammar = tree_sitter_go,
      .version = SSMI_TREE_SITTER_GO_VERSION,
      .extensions = {".go"},
      .strings = {"interpreted_string_literal", "raw_string_literal"},
      .left_out = {"comment"},
      .blocks = {"block", "field_declaration_list", "literal_value"},
      .functions = {"function_declaration", "method_declaration"},
      .keywords = {"func",  "if",      "else",   "for",   "range",    "switch", "select",
                   "case",  "default", "return", "break", "continue", "goto",   "fallthrough",
                   "defer", "go",      "var",    "const", "type",     "struct", "interface",
                   "map",   "chan",    "true",   "false", "nil"},
      .type_names = {"type_identifier"},
      .wrappers = {},
  };
}

const Names kScriptKeywords{"function",   "class",    "extends", "if",    "else",    "for",
                            "in",         "of",       "while",   "do",    "switch",  "case",
                            "default",    "return",   "try",     "catch", "finally", "throw",
                            "break",      "continue", "with",    "new",   "delete",  "typeof",
                            "instanceof", "void",     "yield",   "await", "async",   "const",
                            "let",        "var",      "true",    "false", "null",    "undefined"};
const Names kScriptFunctions{"function_declaration", "function_expression",
                             "generator_function",   "generator_function_declaration",
                             "method_definition",    "arrow_function"};
const std::vector<Wrapper> kScriptWrappers{{"(", "\n)"}, {"class A {\n", "\n}"}, {"({\n", "\n})"}};

LanguageRow javascript() {
  return {
      .name = "JavaScript",
      .short_name = "javascript",
      .grammar = tree_sitter_javascript,
      .version = SSMI_TREE_SITTER_JAVASCRIPT_VERSION,
      .flow = FlowRules::kBraces,
      .extensions = {".js", ".mjs", ".cjs", ".jsx"},
      .strings = {"string", "template_string", "regex"},
      .left_out = {"comment", "html_comment", "hash_bang_line"},
      .blocks = {"statement_block", "class_body", "switch_body"},
      .functions = kScriptFunctions,
      .keywords = kScriptKeywords,
      .type_names = {},
      .wrappers = kScriptWrappers,
  };
}

LanguageRow typescript() {
  return {
      .name = "TypeScript",
      .short_name = "typescript",
      .grammar = tree_sitter_typescript,
      .version = SSMI_TREE_SITTER_TYPESCRIPT_VERSION,
      .extensions = {".ts", ".mts", ".cts"},
      .strings = {"string", "template_string", "template_literal_type", "regex"},
      .left_out = {"comment", "html_comment", "hash_bang_line"},
      .blocks = {"statement_block", "class_body", "switch_body", "interface_body", "enum_body",
                 "object_type"},
      .functions = kScriptFunctions,
      .keywords = with(kScriptKeywords, {"interface", "enum", "type", "namespace", "implements",
                                         "abstract", "as", "satisfies", "keyof", "infer"}),
      .type_names = {"type_identifier"},
      .wrappers = kScriptWrappers,
  };
}

LanguageRow tsx() {
  LanguageRow row = typescript();
  row.name = "TSX";
  row.short_name = "tsx";
  row.grammar = tree_sitter_tsx;
  row.extensions = {".tsx"};
  return row;
}

const Names kCKeywords{"if",      "else",    "for",    "while",    "do",    "switch", "case",
                       "default", "return",  "break",  "continue", "goto",  "struct", "union",
                       "enum",    "typedef", "sizeof", "true",     "false", "NULL",   "nullptr"};

LanguageRow c() {
  return {
      .name = "C",
      .short_name = "c",
      .grammar = tree_sitter_c,
      .version = SSMI_TREE_SITTER_C_VERSION,
      .extensions = {".c", ".h"},
      .strings = {"string_literal", "char_literal"},
      .left_out = {"comment"},
      .blocks = {"compound_statement", "field_declaration_list", "enumerator_list",
                 "declaration_list"},
      .functions = {"function_definition"},
      .keywords = kCKeywords,
      .type_names = {"type_identifier", "primitive_type"},
      .wrappers = {},
  };
}

LanguageRow cpp() {
  return {
      .name = "C++",
      .short_name = "cpp",
      .grammar = tree_sitter_cpp,
      .version = SSMI_TREE_SITTER_CPP_VERSION,
      .extensions = {".cc", ".cpp", ".cxx", ".hpp", ".hh", ".h"},
      .strings = {"string_literal", "char_literal", "raw_string_literal"},
      .left_out = {"comment"},
      .blocks = {"compound_statement", "field_declaration_list", "enumerator_list",
                 "declaration_list", "requirement_seq"},
      .functions = {"function_definition"},
      .keywords =
          with(kCKeywords,
               {"class",    "try",     "catch",     "throw",    "new",      "delete",    "template",
                "typename", "using",   "namespace", "operator", "co_await", "co_return", "co_yield",
                "requires", "concept", "noexcept",  "decltype", "and",      "or",        "not"}),
      .type_names = {"type_identifier", "primitive_type"},
      .wrappers = {{"class A {\n", "\n};"}},
  };
}

}  // namespace

std::span<const LanguageRow> language_table() {
  static const std::vector<LanguageRow> kRows{python(),     java(), go(), javascript(),
                                              typescript(), tsx(),  c(),  cpp()};
  return kRows;
}

}  // namespace ssmi::code
