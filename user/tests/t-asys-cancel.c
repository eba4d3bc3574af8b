/* t-asys-cancel [CASE…]: a call of each kind is cancelled at its first switch, at its second, and so on
 * until it completes by itself: each time exactly one completion, and nothing left behind. Prints the
 * number of points for each kind. And once more with ASYS_INLINE, when it must not sleep at all. */
#include "force.h"

#define POINTS_MOST 500

/* Was the point reached? */
static bool
cancel_at(const struct force_kind *kind, unsigned point)
{
    struct asys_entry entries[FORCE_ENTRIES];
    int context = asys_context(NULL);
    unsigned count = kind_prepare(kind, entries);
    long fibrils = test_fibrils();
    check(force("cancel %u", point) > 0);
    check_equal(asys_enter(context, entries, count), count);
    if (kind->feed)
        kind->feed();
    struct pollfd ready = {context, POLLIN, 0};
    check_equal(sys_poll(&ready, 1, 5000), 1);
    if (count > 1) /* the others may have a way to go yet */
        while (asys_collect(context, NULL, 0, 0, 0) == 0 && test_fibrils() > fibrils)
            test_nap(1);
    bool reached = force_count("reached") == 1;
    force_off();
    kind_collect(kind, context, count, !reached);
    if (kind->finish)
        kind->finish();
    check_equal(test_fibrils(), strcmp(kind->name, "collect") ? fibrils : fibrils - 1);
    sys_close(context);
    return reached;
}

/* Inline only: it never sleeps, and says so or what it could do without. */
static void
inline_only(const struct force_kind *kind)
{
    struct asys_entry entries[FORCE_ENTRIES];
    int context = asys_context(NULL);
    unsigned count = kind_prepare(kind, entries);
    long fibrils = test_fibrils();
    for (unsigned i = 0; i < count; i++)
        asys_flag(&entries[i], ASYS_INLINE);
    check(force("tell %u", 1) > 0);
    check_equal(asys_enter(context, entries, count), count);
    force_off();
    check_equal(test_fibrils(), fibrils);
    check_equal(force_count("reached"), 0);
    if (kind->feed)
        kind->feed();
    kind_allowed = -EAGAIN;
    kind_collect(kind, context, count, false);
    kind_allowed = 0;
    if (kind->finish)
        kind->finish();
    sys_close(context);
}

static void
run_kind(const struct force_kind *kind)
{
    unsigned point = 0;
    while (cancel_at(kind, ++point) && point < POINTS_MOST && !check_failures)
        ;
    printf("# %s: cancelled at %u points\n", kind->name, point - 1);
    check(point > 1 && point < POINTS_MOST);
    inline_only(kind);
}

int
main(int argc, char **argv)
{
    int failed = 0;
    force_open();
    for (const struct force_kind *kind = force_kinds; kind->name; kind++) {
        if (argc > 1 && strcmp(argv[1], kind->name))
            continue;
        check_failures = 0;
        run_kind(kind);
        if (check_failures)
            printf("not ok %s: %s (%d failures)\n", kind->name, check_first, check_failures);
        else
            printf("ok %s\n", kind->name);
        failed += check_failures > 0;
    }
    return failed > 0;
}
