# The root file system, the ISO, and images of one program.
NEWLIB_SOURCE = $(firstword $(wildcard /usr/src/newlib/newlib-*.tar.xz))
DEMO_TREE := $(BUILD)/demo
ROOT_PROGRAMS := $(USER_BIN) $(USER_TESTS) $(USER_EXAMPLES)
ROOT_FOLDERS := dev/ etc/ proc/ tmp/ $(foreach n,0 1 2 3 4 5 6 7,mnt/$n/)
ISO := $(BUILD)/fibril.iso
ISO_WORDS := console=serial,vga exit=debug

# Every image is the same bytes at every build: no time but this one gets into it.
export SOURCE_DATE_EPOCH := 1170171581

.PHONY: root iso image
root: $(BUILD)/root.ext2 $(BUILD)/base.ext2
iso: $(ISO)
	@echo "The ISO is $(abspath $(ISO))"

# The demo tree: newlib's source as Debian ships it.
$(DEMO_TREE)/ready: $(NEWLIB_SOURCE)
	@echo "demo tree: unpacking $(notdir $(NEWLIB_SOURCE))"
	@rm -rf $(DEMO_TREE) && mkdir -p $(DEMO_TREE)/tree
	@tar -xf $(NEWLIB_SOURCE) -C $(DEMO_TREE)/tree
	@touch $@

$(BUILD)/programs/ready: $(ROOT_PROGRAMS)
	@rm -rf $(@D) && mkdir -p $(@D)/bin
	@for program in $(ROOT_PROGRAMS); do \
		strip -o $(@D)/bin/$${program##*/} $$program || exit 1; done
	@touch $@

$(BUILD)/root.ext2: $(DEMO_TREE)/ready $(BUILD)/programs/ready tools/mkext2
	@echo "root file system: $@"
	@tools/mkext2 -o $@ bin=$(BUILD)/programs/bin demo=$(DEMO_TREE)/tree $(ROOT_FOLDERS)

# The same without the tree, for machines with little memory and the root as a module.
$(BUILD)/base.ext2: $(BUILD)/programs/ready tools/mkext2
	@tools/mkext2 -o $@ bin=$(BUILD)/programs/bin $(ROOT_FOLDERS)

# The same tree for a second, slow disk.
$(BUILD)/demo.ext2: $(DEMO_TREE)/ready tools/mkext2
	@tools/mkext2 --label demo -o $@ demo=$(DEMO_TREE)/tree

$(ISO): $(BUILD)/kernel.elf $(BUILD)/root.ext2 boot/grub.cfg tools/mkiso
	@echo "ISO: $@"
	@tools/mkiso --kernel $(BUILD)/kernel.elf --root $(BUILD)/root.ext2 --grub boot/grub.cfg \
		--words '$(ISO_WORDS)' -o $@

# make image PROGRAM=./x [TREE=dir] OUT=x.iso: boots into that one program, with that tree as root.
image: $(BUILD)/kernel.elf
	@[ -n "$(PROGRAM)" ] && [ -n "$(OUT)" ] || \
		{ echo "usage: make image PROGRAM=./x [TREE=dir] OUT=x.iso"; exit 2; }
	@root=$$(mktemp) && trap 'rm -f "$$root"' EXIT && \
	tools/mkext2 -o "$$root" $(if $(TREE),"/=$(TREE)") $(ROOT_FOLDERS) \
		"bin/$(notdir $(PROGRAM))=$(PROGRAM)" && \
	tools/mkiso --kernel $(BUILD)/kernel.elf --root "$$root" --grub boot/grub.cfg \
		--words 'init=/bin/$(notdir $(PROGRAM)) $(ISO_WORDS)' -o "$(OUT)"
	@echo "The image is $(abspath $(OUT)); try: qemu-system-i386 -cdrom $(OUT) -serial stdio"
