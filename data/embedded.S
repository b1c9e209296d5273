// The files that are part of the program: data/embedded.cpp names them. Paths are relative to the
// repository root, which is on the assembler's include path.
        .section .rodata

.macro embed symbol, file
        .balign 16
        .hidden cairn_\symbol\()_begin
        .global cairn_\symbol\()_begin
cairn_\symbol\()_begin:
        .incbin "\file"
        .hidden cairn_\symbol\()_end
        .global cairn_\symbol\()_end
cairn_\symbol\()_end:
        .byte 0
.endm

        embed catalog, "data/catalog.json"
        embed digits_train_images, "data/digits/train-images-idx3-ubyte.gz"
        embed digits_train_labels, "data/digits/train-labels-idx1-ubyte.gz"
        embed digits_test_images, "data/digits/t10k-images-idx3-ubyte.gz"
        embed digits_test_labels, "data/digits/t10k-labels-idx1-ubyte.gz"

        .section .note.GNU-stack,"",%progbits
