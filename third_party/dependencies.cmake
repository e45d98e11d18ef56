# Where each dependency comes from. None of their sources is kept here: `scripts/setup` fetches what
# Debian does not have into build/deps.

set(SSMI_DEPS ${CMAKE_SOURCE_DIR}/build/deps CACHE PATH "What scripts/setup fetched")

find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(LibArchive REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
if(SSMI_TESTS)
  find_package(doctest REQUIRED)
endif()

# The tree-sitter runtime and grammars, as C sources of npm packages.
set(node_modules ${SSMI_DEPS}/node_modules)
if(NOT EXISTS ${node_modules}/tree-sitter)
  message(FATAL_ERROR "${node_modules}/tree-sitter is missing: run scripts/setup")
endif()
set(runtime ${node_modules}/tree-sitter/vendor/tree-sitter/lib)
add_library(tree_sitter STATIC ${runtime}/src/lib.c)
target_include_directories(tree_sitter SYSTEM PUBLIC ${runtime}/include PRIVATE ${runtime}/src)
target_compile_definitions(tree_sitter PRIVATE _POSIX_C_SOURCE=200112L _DEFAULT_SOURCE)

# ssmi_grammar(PACKAGE [FOLDER]): adds a grammar (that in a folder of the package) to the tree_sitter
# library, after checking that the runtime can load its ABI.
file(STRINGS ${runtime}/include/tree_sitter/api.h abi_lines
  REGEX "define TREE_SITTER_(MIN_COMPATIBLE_)?LANGUAGE_VERSION")
string(REGEX MATCH "define TREE_SITTER_LANGUAGE_VERSION ([0-9]+)" _ "${abi_lines}")
set(abi_newest ${CMAKE_MATCH_1})
string(REGEX MATCH "MIN_COMPATIBLE_LANGUAGE_VERSION ([0-9]+)" _ "${abi_lines}")
set(abi_oldest ${CMAKE_MATCH_1})
function(ssmi_grammar package)
  cmake_path(SET source NORMALIZE ${node_modules}/${package}/${ARGV1}/src)
  if(NOT EXISTS ${source}/parser.c)
    message(FATAL_ERROR "${source}/parser.c is missing: run scripts/setup")
  endif()
  file(STRINGS ${source}/parser.c abi REGEX "^#define LANGUAGE_VERSION" LIMIT_COUNT 1)
  string(REGEX MATCH "[0-9]+" abi "${abi}")
  if(abi LESS abi_oldest OR abi GREATER abi_newest)
    message(FATAL_ERROR "${package} has grammar ABI ${abi}, the tree-sitter runtime loads "
      "${abi_oldest} to ${abi_newest}: take versions that fit in third_party/npm/package.json")
  endif()
  string(JOIN - target ${package} ${ARGV1})
  add_library(${target} OBJECT ${source}/parser.c)
  if(EXISTS ${source}/scanner.c)
    target_sources(${target} PRIVATE ${source}/scanner.c)
  endif()
  target_include_directories(${target} SYSTEM PRIVATE ${source})
  target_compile_options(${target} PRIVATE -O1)  # tables for the most part: more only takes longer
  target_sources(tree_sitter PRIVATE $<TARGET_OBJECTS:${target}>)
  file(READ ${node_modules}/${package}/package.json description)
  string(JSON version GET "${description}" version)
  string(TOUPPER "SSMI_${package}_VERSION" macro)
  string(MAKE_C_IDENTIFIER ${macro} macro)
  target_compile_definitions(tree_sitter INTERFACE ${macro}="${version}")
endfunction()
foreach(language c cpp go java javascript python)
  ssmi_grammar(tree-sitter-${language})
endforeach()
ssmi_grammar(tree-sitter-typescript typescript)
ssmi_grammar(tree-sitter-typescript tsx)

if(SSMI_TORCH)
  find_package(OpenMP REQUIRED COMPONENTS CXX)
  find_package(CLI11 REQUIRED)
  pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)
  add_library(hwy ALIAS PkgConfig::HWY)

  # LibTorch: the user's own by CMAKE_PREFIX_PATH, else the wheel that scripts/setup installed.
  cmake_path(CONVERT "$ENV{CMAKE_PREFIX_PATH}" TO_CMAKE_PATH_LIST prefixes)
  file(GLOB wheel ${SSMI_DEPS}/python/lib/python3*/site-packages/torch)
  find_path(torch_cmake TorchConfig.cmake
    PATHS ${CMAKE_PREFIX_PATH} ${prefixes} ${wheel} PATH_SUFFIXES share/cmake/Torch Torch
    NO_DEFAULT_PATH NO_CACHE)
  if(NOT torch_cmake)
    message(FATAL_ERROR "no LibTorch: run scripts/setup, or give its folder in CMAKE_PREFIX_PATH")
  endif()
  cmake_path(SET libtorch_root NORMALIZE ${torch_cmake}/../../..)
  if(EXISTS ${libtorch_root}/lib/libtorch_cuda.so)
    find_package(CUDAToolkit QUIET)
    if(NOT CUDAToolkit_FOUND)
      message(FATAL_ERROR "${libtorch_root} is a CUDA build of LibTorch, whose CMake files need a "
        "CUDA toolkit, and none was found. Install the toolkit; or delete build/deps/python and run "
        "scripts/setup with PIP_EXTRA_INDEX_URL set to the CPU wheel index that PyTorch's "
        "installation page names; or point CMAKE_PREFIX_PATH at a CPU LibTorch.")
    endif()
  endif()
  find_package(Torch 2.6 REQUIRED PATHS ${torch_cmake} NO_DEFAULT_PATH)
  message(STATUS "LibTorch ${Torch_VERSION} in ${libtorch_root}")
  # LibTorch's folder holds headers of another fmt. Ours must be found first, or nothing links.
  get_target_property(fmt_include fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include)
  file(CREATE_LINK ${fmt_include}/fmt ${CMAKE_BINARY_DIR}/include/fmt SYMBOLIC)
  add_library(libtorch INTERFACE)
  target_include_directories(libtorch BEFORE INTERFACE ${CMAKE_BINARY_DIR}/include)
  target_link_libraries(libtorch INTERFACE ${TORCH_LIBRARIES})
  target_include_directories(libtorch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
endif()
