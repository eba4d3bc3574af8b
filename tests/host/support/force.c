/* Nothing is forced on the host; allocations fail there by host_alloc_limit. */
#include "kernel/force.h"

struct task *force_task;

bool
force_allocation(bool of_calls_only)
{
    return false;
}
