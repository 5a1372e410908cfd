# Headers that most sources read are read once: a third of the time of a build was parsing them. A source still names
# each header that it uses, so that it compiles without this too (-DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON).
set(MAIE_COMMON_HEADERS <nlohmann/json.hpp> <algorithm> <array> <atomic> <chrono> <cmath> <cstdint> <filesystem> <fstream>
                        <functional> <map> <memory> <mutex> <optional> <random> <set> <span> <string> <string_view> <thread>
                        <vector>)

# The folders of src/ that compute nothing in loops: with the common headers, and at -O2, which compiles faster than -O3
# and makes smaller code.
set(MAIE_SERVICE_FOLDERS prompt store summary config jobs worker server server/http)

#   maie_common_headers(<target> <holder> <optimisation> [HEADERS ...] [LINK <third-party targets of these>...])
#
# Gives the target the common headers that the target <holder> has compiled at that optimisation.
function(maie_common_headers target holder optimisation)
  cmake_parse_arguments(ARG "" "" "HEADERS;LINK" ${ARGN})
  if(NOT TARGET ${holder})
    file(WRITE ${CMAKE_BINARY_DIR}/${holder}.cpp "")
    add_library(${holder} OBJECT ${CMAKE_BINARY_DIR}/${holder}.cpp)
    target_compile_options(${holder} PRIVATE $<$<CONFIG:Release>:${optimisation}>)
    target_link_libraries(${holder} PRIVATE ${ARG_LINK})
    target_precompile_headers(${holder} PRIVATE ${MAIE_COMMON_HEADERS} ${ARG_HEADERS})
  endif()
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:${optimisation}>)
  target_precompile_headers(${target} REUSE_FROM ${holder})
endfunction()

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
  if(folder IN_LIST MAIE_SERVICE_FOLDERS)
    maie_common_headers(${target} maie_common_headers_of_services -O2)
  elseif(folder STREQUAL "cli")
    maie_common_headers(${target} maie_common_headers_of_commands -O2 HEADERS <CLI/CLI.hpp> LINK CLI11::CLI11)
  endif()
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
  maie_common_headers(${name} maie_common_headers_of_tests -O1 HEADERS <gtest/gtest.h> LINK GTest::gtest)
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
#
# The target "fuzzers" builds all of them, with the folders that they need.
function(maie_fuzzer name)
  cmake_parse_arguments(ARG "" "SOURCE" "DEPS" ${ARGN})
  if(NOT MAIE_FUZZERS)
    return()
  endif()
  if(NOT TARGET fuzzers)
    add_custom_target(fuzzers)
  endif()
  add_executable(${name} ${ARG_SOURCE})
  add_dependencies(fuzzers ${name})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  foreach(dep ${ARG_DEPS})
    string(REPLACE "/" "_" dep_name ${dep})
    target_link_libraries(${name} PRIVATE maie_${dep_name})
  endforeach()
endfunction()
