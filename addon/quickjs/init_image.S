// The static init program, as data: the runtime copies it to a sealed memory file and executes that.
// RUNT_INIT_IMAGE is its path at build time.
	.section .rodata.runt_init_image, "a"
	.balign 4096
	.global runt_init_image
	.hidden runt_init_image
	.global runt_init_image_end
	.hidden runt_init_image_end
runt_init_image:
	.incbin RUNT_INIT_IMAGE
runt_init_image_end:
	.byte 0
	.section .note.GNU-stack, "", %progbits
