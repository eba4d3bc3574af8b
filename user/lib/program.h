/* What every small program does: complain in the form `name: what: why`. */
#ifndef LIB_PROGRAM_H
#define LIB_PROGRAM_H

/* Says on standard error what failed and why (errno), and returns 1 for the exit status. */
int program_complain(const char *program, const char *what);
/* ENOENT for 2 and so on; "errno 134" where there is no name. Never NULL; for one use at a time. */
const char *error_name(int number);

#endif
