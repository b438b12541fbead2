# cmake -DGENERATOR=program -DCOMMITTED=folder -DSCRATCH=folder -P compare.cmake
# Fails where a file that the generator writes differs from the one in the repository by one byte.
file(REMOVE_RECURSE ${SCRATCH})
execute_process(COMMAND ${GENERATOR} ${SCRATCH} COMMAND_ERROR_IS_FATAL ANY)
file(GLOB_RECURSE files RELATIVE ${SCRATCH} ${SCRATCH}/*)
if(NOT files)
  message(FATAL_ERROR "the generator wrote nothing")
endif()
foreach(name ${files})
  execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${SCRATCH}/${name} ${COMMITTED}/${name} RESULT_VARIABLE differs)
  if(differs)
    message(SEND_ERROR "${COMMITTED}/${name} is not what the generator writes (${SCRATCH}/${name})")
  endif()
endforeach()
