/* The names of the system and of this machine, as uname and /proc tell them. */
#ifndef KERNEL_SYSTEM_NAMES_H
#define KERNEL_SYSTEM_NAMES_H

#define SYSTEM_NAME_BYTES 65

struct system_names { /* linux/utsname.h, struct new_utsname: 390 bytes */
    char system[SYSTEM_NAME_BYTES], node[SYSTEM_NAME_BYTES], release[SYSTEM_NAME_BYTES],
        version[SYSTEM_NAME_BYTES], machine[SYSTEM_NAME_BYTES], domain[SYSTEM_NAME_BYTES];
};
extern struct system_names system_names; /* node and domain may be set */

#endif
