# Host unit tests: tests/host/FOLDER/test_NAME.c, linked with the kernel's own files that its first
# line names, for the machine that builds, under the address and undefined-behaviour sanitizers.
HOST_CC := gcc
HOST_CFLAGS := -std=gnu11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined \
  -Wall -Wextra -Wno-unused-parameter $(if $(CI),-Werror) -I. -Itests/host/arch -Itests/host/support
HOST_TESTS := $(wildcard tests/host/*/test_*.c)
HOST_PROGRAMS := $(HOST_TESTS:tests/host/%.c=$(BUILD)/host/%)

.PHONY: host-tests
host-tests: $(HOST_PROGRAMS)

host_sources = $(wildcard $(shell sed -n '1s,^// sources:,,p' $1))
define host_program
$(1:tests/host/%.c=$(BUILD)/host/%): $(patsubst %.c,$(BUILD)/host/objects/%.o,$1 $(call host_sources,$1))
	$$(call say,LINK,$$@)
	@mkdir -p $$(@D)
	$$(Q)$(HOST_CC) $(HOST_CFLAGS) $$^ -lpthread -o $$@
endef
$(foreach test,$(HOST_TESTS),$(eval $(call host_program,$(test))))

$(BUILD)/host/objects/%.o: %.c tools/host.mk
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(HOST_CFLAGS) -MMD -MP -c $< -o $@
.SECONDARY: $(foreach test,$(HOST_TESTS),$(patsubst %.c,$(BUILD)/host/objects/%.o,$(test) $(call host_sources,$(test))))
-include $(shell find $(BUILD)/host -name '*.d' 2>/dev/null)
