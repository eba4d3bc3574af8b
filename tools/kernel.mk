# What is run, shown as what is made; V=1 shows the commands themselves.
Q := $(if $(V),,@)
say = $(if $(V),@true,@echo '  $1 $2')

# How the kernel is compiled and linked. Every .c and .asm file of its folders belongs to it.
KERNEL_FOLDERS := boot arch/i386 kernel kernel/async kernel/sys drivers drivers/ata fs fs/ext2
KERNEL_C := $(foreach d,$(KERNEL_FOLDERS),$(wildcard $d/*.c))
KERNEL_ASM := $(foreach d,$(KERNEL_FOLDERS),$(wildcard $d/*.asm))
KERNEL_OBJECTS := $(KERNEL_C:%.c=$(BUILD)/kernel/%.o) $(KERNEL_ASM:%.asm=$(BUILD)/kernel/%.asm.o) \
                  $(BUILD)/kernel/gen/syscall_table.o
GEN := $(BUILD)/kernel/gen
VERSION := 0.1

CC := gcc
GCC_INCLUDE := $(shell $(CC) -print-file-name=include)
KERNEL_CFLAGS := -std=gnu11 -O2 -g -m32 -march=i686 -mtune=generic -ffreestanding -fno-pic -fno-pie \
  -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -mgeneral-regs-only \
  -mregparm=3 -fno-omit-frame-pointer -fno-strict-aliasing -mpreferred-stack-boundary=2 -nostdinc -isystem $(GCC_INCLUDE) -I. -Iarch/i386 \
  -I$(BUILD)/kernel -Wall -Wextra -Wno-unused-parameter -Wmissing-prototypes -Wframe-larger-than=512 \
  -ffile-prefix-map=$(CURDIR)=. -DFIBRIL_VERSION='"$(VERSION)"' $(if $(CI),-Werror)
LDFLAGS_KERNEL := -m elf_i386 -nostdlib -z noexecstack -z max-page-size=4096 --build-id=none

.PHONY: kernel
kernel: $(BUILD)/kernel.elf

$(GEN)/syscalls.h $(GEN)/syscall_table.c &: kernel/sys/syscalls.master tools/mksyscalls.py
	@mkdir -p $(GEN)
	$(Q)python3 tools/mksyscalls.py kernel/sys/syscalls.master $(GEN)

$(BUILD)/kernel/%.o: %.c $(GEN)/syscalls.h tools/kernel.mk
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(KERNEL_CFLAGS) -MMD -MP -c $< -o $@
$(BUILD)/kernel/gen/%.o: $(GEN)/%.c $(GEN)/syscalls.h
	$(call say,CC,$<)
	$(Q)$(CC) $(KERNEL_CFLAGS) -MMD -MP -c $< -o $@
$(BUILD)/kernel/%.asm.o: %.asm tools/kernel.mk
	@mkdir -p $(@D)
	$(call say,NASM,$<)
	$(Q)nasm -f elf32 -g -F dwarf -I. -MD $(@:.o=.d) $< -o $@

# Linked twice: the second time with the table of function names made from the first.
$(BUILD)/kernel.elf: $(KERNEL_OBJECTS) linker.ld tools/mksymbols.py
	$(call say,LD,$@)
	$(Q)ld $(LDFLAGS_KERNEL) -T linker.ld -o $(BUILD)/kernel.first.elf $(KERNEL_OBJECTS)
	$(Q)python3 tools/mksymbols.py $(BUILD)/kernel.first.elf $(BUILD)/kernel/symbols.asm
	$(Q)nasm -f elf32 $(BUILD)/kernel/symbols.asm -o $(BUILD)/kernel/symbols.o
	$(Q)ld $(LDFLAGS_KERNEL) -T linker.ld -o $@ $(KERNEL_OBJECTS) $(BUILD)/kernel/symbols.o

-include $(shell find $(BUILD)/kernel -name '*.d' 2>/dev/null)
