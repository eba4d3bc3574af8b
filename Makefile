# Fibril. `make help` says what there is; the rules are in tools/*.mk.
BUILD := build
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# Whatever builds first looks whether the tools are there, and puts them in: make builds a file that
# it includes before anything else.
NEEDS_NOTHING := help doctor clean size
ifneq ($(filter-out $(NEEDS_NOTHING),$(or $(MAKECMDGOALS),all)),)
include $(BUILD)/tools-are-there.mk
endif
$(BUILD)/tools-are-there.mk: tools/doctor
	@tools/doctor --install
	@mkdir -p $(BUILD) && touch $@

include tools/kernel.mk tools/newlib.mk tools/user.mk tools/image.mk tools/host.mk tools/commands.mk

.PHONY: all help doctor clean
all: kernel user root

help:
	@cat tools/help.txt

doctor:
	@tools/doctor

clean:
	rm -rf $(BUILD)
