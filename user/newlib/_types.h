/* Fibril's machine/_types.h for newlib: the types whose defaults are too small for a Unix.
 * tools/build-newlib puts it in newlib's i386 machine folder before configuring; it is installed with
 * newlib's own headers. Changing it rebuilds newlib. sys/_types.h skips its default for every type
 * whose __machine_..._defined is defined here. */
#ifndef _MACHINE__TYPES_H
#define _MACHINE__TYPES_H

#include <machine/_default_types.h>

typedef __int64_t _off_t;
#define __machine_off_t_defined
typedef __int64_t _fpos_t; /* stdio seeks through this one */
#define __machine_fpos_t_defined
typedef __uint64_t __ino_t;
#define __machine_ino_t_defined
typedef __uint64_t __dev_t;
#define __machine_dev_t_defined
typedef __uint32_t __uid_t;
#define __machine_uid_t_defined
typedef __uint32_t __gid_t;
#define __machine_gid_t_defined
typedef __int64_t __blkcnt_t; /* a 5 TiB file has more than 2^31 blocks of 512 bytes */
#define __machine_blkcnt_t_defined

#endif
