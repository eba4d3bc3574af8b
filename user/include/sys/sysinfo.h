#ifndef _SYS_SYSINFO_H
#define _SYS_SYSINFO_H

struct sysinfo { /* the kernel's */
    long uptime;
    unsigned long loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    unsigned short procs, pad;
    unsigned long totalhigh, freehigh;
    unsigned mem_unit;
    char _rest[8];
};

int sysinfo(struct sysinfo *);

#endif
