/* t-spin: never ends and makes no call: only the clock's interrupt can take the processor away. */
int
main(void)
{
    for (;;)
        __asm__ volatile("");
}
