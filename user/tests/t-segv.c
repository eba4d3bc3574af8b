/* t-segv: writes where nothing is mapped; ends by signal 11. */
int
main(void)
{
    *(volatile int *)4 = 1;
    return 0;
}
