// sources: tests/host/support/*.c
/* Intrusive lists against arrays. */
#include "kernel/list.h"
#include "arch.h"
#include "host.h"

struct item {
    int number;
    struct list link;
};

static struct list list;
static struct item items[8];

static void
list_fill(unsigned count)
{
    list_init(&list);
    for (unsigned i = 0; i < count; i++) {
        items[i].number = (int)i;
        list_add_tail(&list, &items[i].link);
    }
}

/* Are the members, forwards and backwards, the digits of `expected`? */
static bool
list_is(struct list *of, const char *expected)
{
    size_t length = strlen(expected), at = 0;
    struct item *item;
    list_for_each(item, of, link)
        if (at >= length || item->number != expected[at++] - '0')
            return false;
    if (at != length)
        return false;
    for (struct list *link = of->prev; link != of; link = link->prev)
        if (list_entry(link, struct item, link)->number != expected[--at] - '0')
            return false;
    return at == 0;
}

static void
adding_at_both_ends(void)
{
    list_fill(3);
    CHECK(list_is(&list, "012") && !list_empty(&list));
    items[3].number = 3;
    list_add_head(&list, &items[3].link);
    CHECK(list_is(&list, "3012"));
    CHECK(list_first(&list, struct item, link) == &items[3]);
    CHECK(list_last(&list, struct item, link) == &items[2]);
}

static void
removing_twice_is_harmless(void)
{
    list_fill(4);
    for (int i = 0; i < 3; i++) {
        list_remove(&items[1].link);
        CHECK(list_is(&list, "023") && list_empty(&items[1].link));
    }
    list_remove(&items[0].link);
    list_remove(&items[3].link);
    list_remove(&items[2].link);
    CHECK(list_empty(&list) && list_is(&list, ""));
}

static void
the_current_member_may_be_removed(void)
{
    struct item *item, *following;
    list_fill(8);
    list_for_each_safe(item, following, &list, link)
        if (item->number % 3 != 1)
            list_remove(&item->link);
    CHECK(list_is(&list, "147"));
    list_for_each_safe(item, following, &list, link)
        list_remove(&item->link);
    CHECK(list_empty(&list));
}

static void
splicing_keeps_the_order(void)
{
    struct list other;
    struct item more[3] = {{.number = 7}, {.number = 8}, {.number = 9}};
    list_init(&other);
    list_fill(3);
    list_splice_tail(&list, &other);
    CHECK(list_is(&list, "012") && list_empty(&other));
    for (int i = 0; i < 3; i++)
        list_add_tail(&other, &more[i].link);
    list_splice_tail(&list, &other);
    CHECK(list_is(&list, "012789") && list_empty(&other));
    list_splice_tail(&other, &list);
    CHECK(list_is(&other, "012789") && list_empty(&list));
    list_remove(&items[2].link);
    CHECK(list_is(&other, "01789"));
}

static void
static_initialiser(void)
{
    static struct list fresh = LIST_INIT(fresh);
    CHECK(list_empty(&fresh) && list_is(&fresh, ""));
}

int
main(void)
{
    RUN_TEST(adding_at_both_ends);
    RUN_TEST(removing_twice_is_harmless);
    RUN_TEST(the_current_member_may_be_removed);
    RUN_TEST(splicing_keeps_the_order);
    RUN_TEST(static_initialiser);
    return test_result();
}
