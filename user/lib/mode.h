/* A file's mode as ls shows it. */
#ifndef LIB_MODE_H
#define LIB_MODE_H

#include <sys/types.h>

/* "drwxr-xr-x" and a zero. */
void mode_text(mode_t mode, char text[11]);
char mode_type_letter(mode_t mode); /* - d l c b p s */
const char *mode_type_name(mode_t mode);

#endif
