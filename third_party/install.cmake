# `cmake --install` gives a tree that can be moved: bin/ssmi, lib/ssmi (LibTorch's libraries, found
# by $ORIGIN), share/ssmi.
include(GNUInstallDirs)
if(SSMI_TORCH)
  set_target_properties(ssmi_cli PROPERTIES
    INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}/ssmi")
  install(TARGETS ssmi_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  file(GLOB libtorch_libraries ${libtorch_root}/lib/libtorch.so* ${libtorch_root}/lib/libtorch_cpu.so*
    ${libtorch_root}/lib/libtorch_cuda*.so* ${libtorch_root}/lib/libc10*.so*
    ${libtorch_root}/lib/libgomp*.so*)
  install(FILES ${libtorch_libraries} DESTINATION ${CMAKE_INSTALL_LIBDIR}/ssmi)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/share/ DESTINATION ${CMAKE_INSTALL_DATADIR}/ssmi)
endif()
