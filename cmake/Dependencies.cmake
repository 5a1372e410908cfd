# Everything here is a package of Debian 12 and Ubuntu 22.04 (tools/install-packages); see the table in docs/design.md.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(ZLIB REQUIRED)
find_package(nlohmann_json 3.10 REQUIRED)
find_package(spdlog REQUIRED)
find_path(VALIJSON_INCLUDE_DIR valijson/validator.hpp)  # headers only
if(NOT VALIJSON_INCLUDE_DIR)
  # Not every system has the package (libvalijson-dev). Version 1.0.2 is what Debian 12 packages as 1.0; it works with
  # nlohmann 3.10 and 3.11. A commit id is a hash over all files, so what arrives is what was looked at.
  include(FetchContent)
  FetchContent_Declare(valijson
    GIT_REPOSITORY https://github.com/tristanpenman/valijson.git
    GIT_TAG 0b4771e273a065d437814baf426bcfcafec0f434
    GIT_SUBMODULES ""
    SOURCE_SUBDIR include)  # holds no CMakeLists.txt: only the headers are wanted
  message(STATUS "no valijson here (libvalijson-dev): taking its version 1.0.2 from github.com")
  FetchContent_MakeAvailable(valijson)
  set(VALIJSON_INCLUDE_DIR ${valijson_SOURCE_DIR}/include)
endif()
find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h)  # headers only
if(NOT TOMLPLUSPLUS_INCLUDE_DIR)
  # Likewise: libtomlplusplus-dev, of which Debian 12 has version 3.3.0.
  include(FetchContent)
  FetchContent_Declare(tomlplusplus
    GIT_REPOSITORY https://github.com/marzer/tomlplusplus.git
    GIT_TAG c635f218c0aefc801d9748841930365e54fe3089
    GIT_SUBMODULES ""
    SOURCE_SUBDIR include)
  message(STATUS "no toml++ here (libtomlplusplus-dev): taking its version 3.3.0 from github.com")
  FetchContent_MakeAvailable(tomlplusplus)
  set(TOMLPLUSPLUS_INCLUDE_DIR ${tomlplusplus_SOURCE_DIR}/include)
endif()
find_package(CLI11 REQUIRED)
find_package(CURL 7.81 REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(Boost 1.74 REQUIRED)  # headers only: Asio and Beast
find_package(prometheus-cpp REQUIRED COMPONENTS core)
pkg_check_modules(FFMPEG REQUIRED IMPORTED_TARGET libavformat libavcodec libavutil)
pkg_check_modules(SOXR REQUIRED IMPORTED_TARGET soxr)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)
pkg_check_modules(KISSFFT REQUIRED IMPORTED_TARGET kissfft-float)

# oneDNN multiplies matrices on x86 only: its plain Arm build has no fast path, our own kernels serve there.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  # Not by its own CMake package: Debian's asks for OpenCL, which we do not use.
  find_path(DNNL_INCLUDE_DIR oneapi/dnnl/dnnl.hpp REQUIRED)
  find_library(DNNL_LIBRARY dnnl REQUIRED)
  add_library(maie_dnnl INTERFACE)
  target_include_directories(maie_dnnl SYSTEM INTERFACE ${DNNL_INCLUDE_DIR})
  target_link_libraries(maie_dnnl INTERFACE ${DNNL_LIBRARY})
endif()
if(MAIE_TESTS)
  find_package(GTest REQUIRED)
endif()
