/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Boot sector of the test guest. It says what the guest's own CPUID shows, one line on COM1 at each timer tick, for as
 * long as it runs (so a line that appears after a restore was printed after the restore):
 *
 *      <CPUID.1:EAX> <CPUID.(0DH,1):EAX> <CPUID.(0DH,1):EBX> <IA32_XSS>
 *
 * The first three are eight hex digits each; bit 3 of the second is XSAVES, bit 1 XSAVEC. A guest whose CPUID stops below
 * leaf 0DH prints zeros there. The last is "-" without XSAVES; with it, the value of MSR 0xDA0 after 0 was written to it,
 * or "#GP" where the hypervisor refuses the access.
 *
 * Made with SECOND_CPU, it prints that of the second CPU instead, and nothing where there is none.
 */

        .code16
        .globl  _start

        .set    COM1, 0x3f8
        .set    LINE_STATUS, COM1 + 5
        .set    VECTOR_GP, 13
        .set    XSAVES, 1 << 3
        .set    IA32_XSS, 0xda0
        .set    STACK, 0x7c00

_start:
#ifdef SECOND_CPU
        ljmp    $0, $start_second
#else
        ljmp    $0, $main
#endif
main:
        cli
        xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %ss
        mov     $STACK, %sp
        movw    $on_gp, VECTOR_GP * 4
        movw    %ax, VECTOR_GP * 4 + 2

print_line:
        mov     $1, %eax
        cpuid
        call    put_hex

        /* Above the highest basic leaf, CPUID answers with that leaf's data, which means something else. */
        xor     %eax, %eax
        cpuid
        cmp     $0xd, %eax
        mov     $0, %eax
        mov     %eax, %ebx
        jb      1f
        mov     $0xd, %eax
        mov     $1, %ecx
        cpuid
1:
        push    %eax
        push    %ebx
        call    put_hex
        pop     %eax
        call    put_hex
        pop     %eax

        test    $XSAVES, %al
        jz      no_xsaves
        mov     $IA32_XSS, %ecx
        xor     %eax, %eax
        xor     %edx, %edx
        wrmsr
        rdmsr
        call    put_hex
        jmp     end_line

no_xsaves:
        mov     $'-', %al
        call    put_char
end_line:
        mov     $'\n', %al
        call    put_char
#ifdef SECOND_CPU
        /* The timer interrupts the first CPU alone; its BIOS counts the ticks. */
        mov     BIOS_TICKS, %al
1:      pause
        cmp     BIOS_TICKS, %al
        je      1b
#else
        sti
        hlt
        cli
#endif
        jmp     print_line

on_gp:
        mov     $STACK, %sp
        mov     $gp_text, %si
1:      lodsb
        test    %al, %al
        jz      end_line
        call    put_char
        jmp     1b

/* %eax, and a space; all but %ebx, %esi and the segments are lost. */
put_hex:
        mov     $8, %cx
1:      rol     $4, %eax
        push    %eax
        and     $0xf, %al
        add     $'0', %al
        cmp     $'9', %al
        jbe     2f
        add     $'a' - '9' - 1, %al
2:      call    put_char
        pop     %eax
        loop    1b
        mov     $' ', %al
        /* fall through */

/* %al */
put_char:
        mov     %al, %ah
        mov     $LINE_STATUS, %dx
1:      in      %dx, %al
        test    $0x20, %al
        jz      1b
        mov     $COM1, %dx
        mov     %ah, %al
        out     %al, %dx
        ret

gp_text:
        .asciz  "#GP"

#ifdef SECOND_CPU
        .set    BIOS_TICKS, 0x46c
        .set    APIC_COMMAND, 0xfee00300
        .set    INIT_OTHERS, 0xc4500
        .set    START_OTHERS, 0xc4600           /* and the number of the page where they begin */
        .set    START, 0x7000
        .set    FIRST_STACK, 0x7000
        .set    FLAT, 8
        .set    JMP_FAR, 0xea

/*
 * The first CPU's local APIC sends INIT and then the start-up message to the other, which begins in real mode at a page
 * (Intel SDM volume 3, "MP Initialization").
 */
start_second:
        cli
        xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %ss
        mov     $FIRST_STACK, %sp
        movb    $JMP_FAR, START
        movw    $main, START + 1
        movw    %ax, START + 3

        mov     $INIT_OTHERS, %ecx
        call    command_apic
        /* 10 ms at least; a tick is 55. */
        sti
        hlt
        hlt
        cli
        mov     $START_OTHERS | START >> 12, %ecx
        call    command_apic
1:      sti
        hlt
        jmp     1b

/* %ecx. The APIC is above the first MiB: a segment loaded in protected mode stays as it is in real mode, until somebody loads it
 * again, as the BIOS does when the timer ticks. */
command_apic:
        lgdt    gdt_pointer
        mov     %cr0, %eax
        or      $1, %al
        mov     %eax, %cr0
        mov     $FLAT, %bx
        mov     %bx, %es
        and     $~1, %al
        mov     %eax, %cr0
        mov     $APIC_COMMAND, %ebx
        mov     %ecx, %es:(%ebx)
        ret

gdt:    .quad   0
        .quad   0x00cf92000000ffff      /* FLAT: data, 4 GiB from 0 */
gdt_pointer:
        .word   . - gdt - 1
        .long   gdt
#endif

        .org    510
        .word   0xaa55
