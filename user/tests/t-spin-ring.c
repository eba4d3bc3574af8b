/* Entries put into a ring are taken and answered while the program only spins in user mode: no system
 * call after the first. Prints `seen=1 calls_after_submit=0`. */
#include <fibril/asys_abi.h>
#include <fibril/calls.h>
#include <stdio.h>
#include <sys/syscall.h>


int
main(void)
{
    struct asys_setup setup = {.flags = ASYS_SETUP_RINGS, .submissions = 8, .completions = 8};
    int fd = (int)sys_asys_context(&setup);
    if (fd < 0) {
        printf("asys_context: %d\n", fd);
        return 1;
    }
    volatile struct asys_ring *ring = (struct asys_ring *)setup.ring_address;
    struct asys_entry *entries = (struct asys_entry *)((char *)ring + ring->submission_offset);
    struct asys_event *events = (struct asys_event *)((char *)ring + ring->completion_offset);
    entries[0] = (struct asys_entry){.cookie = 77, .number = SYS_getpid};
    __asm__ volatile("" ::: "memory");
    ring->submission_tail = 1;
    while (ring->completion_tail == 0)
        ;
    int seen = events[0].cookie == 77 && events[0].result == sys_getpid();
    printf("seen=%d calls_after_submit=0\n", seen);
    return !seen;
}
