# Writes the source that says which commit is built, where it differs from the one that is there: a new commit compiles
# that file and nothing else.
#
#   cmake -DSOURCE_DIR=<tree> -DCOMMIT=<given, or empty: ask git> -DOUTPUT=<file.cpp> -P Commit.cmake
if(NOT COMMIT)
  find_program(GIT git)
  if(GIT)
    # Of this tree alone: an unpacked release may lie within somebody's repository.
    execute_process(COMMAND ${GIT} rev-parse --show-toplevel WORKING_DIRECTORY ${SOURCE_DIR}
                    OUTPUT_VARIABLE top OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    get_filename_component(tree ${SOURCE_DIR} REALPATH)
    if(top STREQUAL tree)
      execute_process(COMMAND ${GIT} rev-parse --short=12 HEAD WORKING_DIRECTORY ${SOURCE_DIR}
                      OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    endif()
  endif()
endif()
if(NOT COMMIT)
  set(COMMIT unknown)
endif()
set(text "#include \"base/commit.h\"\n\nnamespace maie {\n\nconst std::string_view kCommit = \"${COMMIT}\";\n\n}\n")
set(before "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} before)
endif()
if(NOT before STREQUAL text)
  file(WRITE ${OUTPUT} "${text}")
endif()
