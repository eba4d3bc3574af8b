# Fibril: see `make help`.
BUILD := build
.DEFAULT_GOAL := kernel
include tools/kernel.mk
