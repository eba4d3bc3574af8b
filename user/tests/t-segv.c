/* t-segv: writes where nothing is mapped; ends by signal 11. */
int
main(void)
{
    int *volatile nowhere = (int *)4;

    *nowhere = 1;
    return 0;
}
