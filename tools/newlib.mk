# newlib, built once from Debian's newlib-source and kept in build/newlib/i686-elf.
NEWLIB := $(BUILD)/newlib/i686-elf
NEWLIB_READY := $(BUILD)/newlib/ready

.PHONY: newlib
newlib: $(NEWLIB_READY)

# The script itself looks whether anything that matters has changed; the time stamps only ask it to.
$(NEWLIB_READY): $(wildcard user/newlib/*.h user/newlib/sys/*.h) tools/build-newlib
	@tools/build-newlib $(BUILD)/newlib user/newlib
	@touch $@
