"""What tools/run and the test runner share: machines, the run channel, words of the command line."""
