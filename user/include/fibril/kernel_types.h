/* Structures as the kernel writes them (Linux/i386), for programs that start calls through asys or
 * call the kernel directly: newlib's own struct stat, struct dirent and struct timespec differ. */
#ifndef FIBRIL_KERNEL_TYPES_H
#define FIBRIL_KERNEL_TYPES_H

/* stat64, lstat64, fstat64, fstatat64 (asm/stat.h); 96 bytes. */
struct kernel_stat {
    unsigned long long device;
    unsigned char padding_0[4];
    unsigned inode_low;
    unsigned mode;
    unsigned links;
    unsigned uid;
    unsigned gid;
    unsigned long long represented_device;
    unsigned char padding_1[4];
    unsigned long long size;
    unsigned block_size;
    unsigned long long blocks; /* of 512 bytes */
    unsigned access_time, access_nanoseconds;
    unsigned modify_time, modify_nanoseconds;
    unsigned change_time, change_nanoseconds;
    unsigned long long inode;
} __attribute__((packed, aligned(4)));
_Static_assert(sizeof(struct kernel_stat) == 96, "the ABI's struct stat64");

/* getdents64 (linux/dirent.h); the next one begins `length` bytes further on. */
struct kernel_dirent {
    unsigned long long inode;
    long long next;
    unsigned short length;
    unsigned char type; /* DT_ of <dirent.h> */
    char name[];
} __attribute__((packed, aligned(1)));

/* nanosleep, clock_gettime, clock_getres; the calls whose names end in 64 use struct timespec. */
struct kernel_timespec {
    long seconds;
    long nanoseconds;
};

struct kernel_timespec64 {
    long long seconds;
    int nanoseconds, padding;
};

struct kernel_timeval {
    long seconds;
    long microseconds;
};

#endif
