/* Running the programs that the command line names. */
#ifndef BOOT_INIT_H
#define BOOT_INIT_H

/* Starts all of them as tasks of their own and waits until all have ended, as often as repeat= says;
 * the first one's status, as wait4 shows it. Sleeps. */
int init_run_all(void);
/* Tells the run channel the status: the exit code, or 128 + the signal. */
void init_report(int status);

#endif
