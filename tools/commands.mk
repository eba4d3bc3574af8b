# What one does with the built system.
PROGRAMS_READY := $(BUILD)/root.ext2 $(BUILD)/kernel.elf

.PHONY: run test test-all bochs bench bench-quick debug man abi undo check-floors size
run: $(ISO) $(BUILD)/demo.ext2
	@tools/demo $(if $(VGA),--window) $(ISO) $(BUILD)/demo.ext2
bochs: $(ISO)
	@tools/demo --bochs $(ISO)
test: all $(ISO) host-tests
	@tests/run $(if $(SEED),--seed $(SEED)) $(if $(INJECT),--inject $(INJECT)) $(TESTS)
test-all: all $(ISO) host-tests
	@tests/run --long $(if $(SEED),--seed $(SEED)) $(TESTS)
bench: all $(BUILD)/demo.ext2
	@bench/run.py $(SECTIONS)
bench-quick: all $(BUILD)/demo.ext2
	@bench/run.py --quick
debug: all
	@tools/debug $(PROGRAM)
man:
	@tools/manual --out $(BUILD)/man
undo: all
	@tools/undo $(POINT)
abi:
	@tools/mkabi.py && echo "docs/abi.md is made"
check-floors: kernel
	@tools/check-floors
size:
	@tools/size
