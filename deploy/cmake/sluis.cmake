# sluis_library(NAME SOURCES … HEADERS … PUBLIC … PRIVATE …): a folder's static library `sluis_NAME`, alias `sluis::NAME`.
# Every source is named. What a header of the folder shows is PUBLIC.
function(sluis_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;HEADERS;PUBLIC;PRIVATE" ${ARGN})
  add_library(sluis_${name} STATIC ${arg_SOURCES})
  add_library(sluis::${name} ALIAS sluis_${name})
  target_include_directories(sluis_${name} PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>)
  target_link_libraries(sluis_${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE} sluis_warnings)
  sluis_check_sources(${arg_SOURCES})
  # With the preset `headers` each header is compiled alone, with what the library makes PUBLIC.
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.hpp)
  if(CMAKE_VERIFY_INTERFACE_HEADER_SETS AND headers)
    target_sources(sluis_${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR} FILES ${headers})
  endif()
endfunction()

# sluis_test(NAME LABEL unit|contract|… SOURCES … LIBS …): one test program; a test links only what it names.
function(sluis_test name)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SOURCES;LIBS;ENVIRONMENT" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_LIBS} GTest::gtest_main sluis_warnings)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABEL}" TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT "SLUIS_VECTORS_DIR=${SLUIS_VECTORS_DIR};SLUIS_SOURCE_DIR=${CMAKE_SOURCE_DIR};SLUIS_BIN_DIR=${CMAKE_RUNTIME_OUTPUT_DIRECTORY};${arg_ENVIRONMENT}")
  sluis_check_sources(${arg_SOURCES})
endfunction()

# A source beside a CMakeLists.txt that no target names is a mistake: it rots unseen.
function(sluis_check_sources)
  get_property(known GLOBAL PROPERTY SLUIS_SOURCES)
  foreach(source IN LISTS ARGN)
    get_filename_component(path ${source} ABSOLUTE)
    list(APPEND known ${path})
  endforeach()
  set_property(GLOBAL PROPERTY SLUIS_SOURCES "${known}")
endfunction()

# Called last of all: fails when a source file belongs to no target.
function(sluis_require_all_sources_registered)
  get_property(known GLOBAL PROPERTY SLUIS_SOURCES)
  file(GLOB_RECURSE found ${CMAKE_SOURCE_DIR}/connector/*.cpp ${CMAKE_SOURCE_DIR}/policy/*.cpp
    ${CMAKE_SOURCE_DIR}/catalog/*.cpp ${CMAKE_SOURCE_DIR}/certs/*.cpp ${CMAKE_SOURCE_DIR}/conformance/*.cpp
    ${CMAKE_SOURCE_DIR}/tests/*.cpp)
  foreach(path IN LISTS found)
    if(NOT path IN_LIST known)
      message(FATAL_ERROR "${path} belongs to no target: name it in its folder's CMakeLists.txt")
    endif()
  endforeach()
endfunction()

add_library(sluis_warnings INTERFACE)
target_compile_options(sluis_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
  $<$<BOOL:${SLUIS_WERROR}>:-Werror>)
