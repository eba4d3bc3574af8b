# User programs and the SDK they are made with.
#
# build/sdk/bin/fibril-cc     the compiler for everything that runs in Fibril (make sdk)
# build/user/bin/NAME         from user/bin/NAME.c
# build/user/tests/NAME       from user/tests/NAME.c (names begin with t-, but the samples)
# build/user/examples/NAME  from user/examples/NAME.c: what a course prints; each needs only fibril-cc
# build/user/bench/NAME       from user/bench/NAME.c: not in the root file system, see bench/run.py
# A program of one file may use what lies in user/lib and user/walk: see libprograms.a.

SDK := $(BUILD)/sdk
SDK_READY := $(SDK)/ready
FIBRIL_CC := $(SDK)/bin/fibril-cc
USER_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Wmissing-prototypes $(if $(CI),-Werror) -Iuser \
  -ffile-prefix-map=$(CURDIR)=.

LIBC_C := $(wildcard user/libc/*.c)
LIBC_HEADERS := $(wildcard user/include/*.h user/include/*/*.h user/libc/*.h)
USER_OBJ := $(BUILD)/user/obj
LIBC_OBJECTS := $(LIBC_C:user/%.c=$(USER_OBJ)/%.o) $(USER_OBJ)/libc/kernel_call.o \
                $(USER_OBJ)/libc/thread_clone.o $(USER_OBJ)/libc/threadlet_run.o
PROGRAM_LIB_OBJECTS := $(patsubst user/%.c,$(USER_OBJ)/%.o,$(wildcard user/lib/*.c user/walk/*.c))
USER_BIN := $(patsubst user/%.c,$(BUILD)/user/%,$(wildcard user/bin/*.c))
USER_TESTS := $(patsubst user/%.c,$(BUILD)/user/%,$(wildcard user/tests/*.c))
USER_EXAMPLES := $(patsubst user/%.c,$(BUILD)/user/%,$(wildcard user/examples/*.c))
USER_BENCH := $(patsubst user/%.c,$(BUILD)/user/%,$(wildcard user/bench/*.c))

# What user/libc has in place of newlib's own.
OURS_INSTEAD := abort clock fwalk psignal raise rename signal strsignal system

.PHONY: sdk user
sdk: $(SDK_READY)
	@echo "The compiler is $(CURDIR)/$(FIBRIL_CC); try: $(FIBRIL_CC) hello.c -o hello"
user: $(USER_BIN) $(USER_TESTS) $(USER_EXAMPLES) $(USER_BENCH)

# Headers first: our own, the generated ones, newlib's; the wrapper works from here on.
$(SDK)/headers: $(LIBC_HEADERS) $(NEWLIB_READY) kernel/sys/syscalls.master tools/mkstubs.py \
                tools/fibril-cc tools/user.mk user/program.ld
	@echo "sdk: headers and fibril-cc"
	@rm -rf $(SDK) && mkdir -p $(SDK)/bin $(SDK)/lib $(SDK)/newlib
	@cp -r user/include $(SDK)/include
	@python3 tools/mkstubs.py kernel/sys/syscalls.master $(SDK)/include
	@cp -r $(NEWLIB)/include $(SDK)/newlib/include
	@cp $(NEWLIB)/lib/libc.a $(NEWLIB)/lib/libm.a user/program.ld $(SDK)/lib
	@ar dD $(SDK)/lib/libc.a $(OURS_INSTEAD:%=lib_a-%.o)
	@cp tools/fibril-cc $(SDK)/bin && chmod +x $(SDK)/bin/fibril-cc
	@touch $@

$(USER_OBJ)/%.o: user/%.c $(SDK)/headers
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(FIBRIL_CC) $(USER_CFLAGS) -MMD -MP -c $< -o $@
$(USER_OBJ)/libc/%.o: user/libc/%.asm
	@mkdir -p $(@D)
	$(call say,NASM,$<)
	$(Q)nasm -f elf32 $< -o $@

$(SDK_READY): $(SDK)/headers $(LIBC_OBJECTS) $(USER_OBJ)/libc/crt0.o $(USER_OBJ)/libc/note.o
	@rm -f $(SDK)/lib/libfibril.a
	$(call say,AR,$(SDK)/lib/libfibril.a)
	$(Q)ar rcD $(SDK)/lib/libfibril.a $(LIBC_OBJECTS)
	@cp $(USER_OBJ)/libc/crt0.o $(USER_OBJ)/libc/note.o $(SDK)/lib
	@touch $@

$(USER_OBJ)/libprograms.a: $(PROGRAM_LIB_OBJECTS)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)ar rcD $@ $(PROGRAM_LIB_OBJECTS)

$(BUILD)/user/%: $(USER_OBJ)/%.o $(USER_OBJ)/libprograms.a $(SDK_READY)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(FIBRIL_CC) $< $(USER_OBJ)/libprograms.a -o $@

.SECONDARY: $(USER_BIN:$(BUILD)/user/%=$(USER_OBJ)/%.o) $(USER_TESTS:$(BUILD)/user/%=$(USER_OBJ)/%.o) \
            $(USER_EXAMPLES:$(BUILD)/user/%=$(USER_OBJ)/%.o) $(USER_BENCH:$(BUILD)/user/%=$(USER_OBJ)/%.o)
-include $(shell find $(USER_OBJ) -name '*.d' 2>/dev/null)
