/* <fibril/asys.h> */
#include <fibril/asys.h>
#include <fibril/calls.h>
#include "libc.h"

long
asys_submit(struct asys_input *inputs, unsigned long count)
{
    return libc_result(sys_asys_submit(inputs, count));
}

long
asys_await_completion(struct asys_completion *completion)
{
    return libc_result(sys_asys_await_completion(completion));
}
