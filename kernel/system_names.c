/* See system_names.h. */
#include "kernel/system_names.h"

struct system_names system_names = {
    .system = "Fibril",
    .node = "fibril",
    .release = "6.1.0-fibril-" FIBRIL_VERSION, /* C libraries refuse kernels that look old */
    .version = "#1",
    .machine = "i686",
    .domain = "(none)",
};
