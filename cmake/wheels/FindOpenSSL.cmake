# Fast DDS's CMake files ask for OpenSSL's headers, but its wheel brings the library and nothing here is built against it:
# so that libssl-dev need not be installed, OpenSSL is found without being there.
set(OPENSSL_FOUND TRUE)
foreach(library SSL Crypto)
  if(NOT TARGET OpenSSL::${library})
    add_library(OpenSSL::${library} INTERFACE IMPORTED)
  endif()
endforeach()
