/* Asynchronous system calls: any call of <sys/syscall.h> can be started, and its result collected
 * later. The call runs in this very task, on a kernel stack of its own: the same pid, descriptors
 * and memory. (Zach Brown's interface of 2007.)
 *
 *     unsigned long arguments[] = {fd, (unsigned long)buffer, size};
 *     struct asys_input input = {SYS_read, my_cookie, 3, arguments};
 *     struct asys_completion done;
 *     asys_submit(&input, 1);
 *     ...
 *     asys_await_completion(&done);        done.cookie is my_cookie, done.return_code the result
 *
 * The arguments are copied by asys_submit; what they point to must live until the completion. */
#ifndef FIBRIL_ASYS_H
#define FIBRIL_ASYS_H

struct asys_input {
    int syscall_nr;
    unsigned long cookie; /* comes back with the completion */
    unsigned long nr_args; /* at most 6; missing ones are 0 */
    unsigned long *args;
};

struct asys_completion {
    long return_code; /* the call's result, or a negative error number */
    unsigned long cookie;
};

/* Starts the calls in order; a call that does not block has completed when this returns. Returns how
 * many were taken (what is wrong with one that was taken is its completion's code), or -1 and errno
 * if none: EAGAIN at the limit of calls in progress, EFAULT. */
long asys_submit(struct asys_input *inputs, unsigned long count);

/* Waits for the next completion, in the order of finishing: 1, or -1 and errno. */
long asys_await_completion(struct asys_completion *completion);

#endif
