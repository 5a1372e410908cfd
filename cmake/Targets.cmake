# One static library per folder of src/, linked to exactly what the layering table of docs/style.md
# lets it include.
#
#   maie_library(<folder> SOURCES ... [DEPS <folders>...] [LINK <third-party targets>...])
#
# LINK is private: third-party headers stay behind the folder (JSON, in base, is the one exception).
function(maie_library folder)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LINK;PUBLIC_LINK" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  set(target maie_${name})
  add_library(${target} STATIC ${ARG_SOURCES})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  foreach(dep ${ARG_DEPS})
    string(REPLACE "/" "_" dep_name ${dep})
    target_link_libraries(${target} PUBLIC maie_${dep_name})
  endforeach()
  target_link_libraries(${target} PUBLIC ${ARG_PUBLIC_LINK} PRIVATE ${ARG_LINK})
endfunction()

#   maie_test(<name> LABEL unit|kernel|model|e2e SOURCES ... DEPS <folders>... [ISAS plain avx2 native])
#
# One test program; each TEST in it is one ctest test. With ISAS each runs once for every value, as
# <isa>.<test>, with MAIE_CPU_ISA set to it.
function(maie_test name)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;DEPS;LINK;ISAS" ${ARGN})
  if(NOT MAIE_TESTS)  # a build of the fuzz targets alone
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  foreach(dep ${ARG_DEPS})
    string(REPLACE "/" "_" dep_name ${dep})
    target_link_libraries(${name} PRIVATE maie_${dep_name})
  endforeach()
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE MAIE_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                             MAIE_BINARY_DIR="${CMAKE_BINARY_DIR}")
  set(properties LABELS ${ARG_LABEL} TIMEOUT 300 SKIP_REGULAR_EXPRESSION "\\[  SKIPPED \\]")
  if(NOT ARG_ISAS)
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES ${properties})
  endif()
  foreach(isa ${ARG_ISAS})
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${isa}." TEST_LIST ${name}_${isa}
                         PROPERTIES ${properties} ENVIRONMENT MAIE_CPU_ISA=${isa})
  endforeach()
endfunction()

#   maie_fuzzer(<name> SOURCE <file> DEPS <folders>...)
function(maie_fuzzer name)
  cmake_parse_arguments(ARG "" "SOURCE" "DEPS" ${ARGN})
  if(NOT MAIE_FUZZERS)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCE})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  foreach(dep ${ARG_DEPS})
    string(REPLACE "/" "_" dep_name ${dep})
    target_link_libraries(${name} PRIVATE maie_${dep_name})
  endforeach()
endfunction()
