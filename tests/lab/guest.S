# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Boot sector of the innermost guest: says on COM1, over and over, what this
# guest sees, so that the last line is true now, also after save and restore.
#
#   fms=00830f10 xsave=0000000d size=00000240 xss=00000000 ok
#
# fms is CPUID.1:EAX, xsave is CPUID.(0DH,1):EAX (bit 3 XSAVES, bit 1 XSAVEC),
# size is CPUID.(0DH,1):EBX. Where XSAVES is seen, IA32_XSS (0xDA0) is read,
# 0 is written to it, and "ok" follows; "fault" if either raised an exception.
# Where it is not seen, the MSR is left alone: "xss=none"; assembled with
# ALWAYS defined it is tried all the same, as the control that shows a fault.
#
# Each exit of this guest costs the emulated host about a millisecond: a line
# goes out by one instruction, four times a second.

.set line, 0x500                # free memory, in a PC
.set ticks, 4                   # of 18.2 a second

.code16
.globl _start
_start:
  cli
  cld
  xor %ax,%ax
  mov %ax,%ds
  mov %ax,%es
  mov %ax,%ss
  mov $0x7c00,%sp
  movw $fault,6*4               # invalid opcode
  movw %ax,6*4+2
  movw $fault,13*4              # general protection
  movw %ax,13*4+2

again:
  mov $line,%di
  mov $fms,%si
  call puts
  mov $1,%eax
  xor %ecx,%ecx
  cpuid
  call hex

  mov $xsave,%si
  call puts
  mov $0xd,%eax
  mov $1,%ecx
  cpuid
  mov %eax,%ebp                 # kept for the test of bit 3
  push %ebx
  call hex
  mov $size,%si
  call puts
  pop %eax
  call hex

  mov $xss,%si
  call puts
  mov $none,%si
.ifndef ALWAYS
  test $8,%bp
  jz end
.endif
  mov $0xda0,%ecx
  rdmsr
  call hex
  mov $0xda0,%ecx
  xor %eax,%eax
  xor %edx,%edx
  wrmsr
  mov $ok,%si
end:
  call puts
  mov %di,%cx
  mov $line,%si
  sub %si,%cx
  mov $0x3f8,%dx
  rep outsb
  mov $ticks,%cx
1:
  sti                           # until the BIOS's timer ticks: a guest that spins takes the host's time
  hlt
  cli
  loop 1b
  jmp again

fault:
  mov $0x7c00,%sp
  mov $bad,%si
  jmp end

hex:                            # EAX in hex
  mov $8,%cx
1:
  rol $4,%eax
  push %eax
  and $0xf,%al
  add $'0',%al
  cmp $'9',%al
  jbe 2f
  add $39,%al
2:
  stosb
  pop %eax
  loop 1b
  ret

puts:                           # the string at SI
  lodsb
  test %al,%al
  jz 1f
  stosb
  jmp puts
1:
  ret

fms:   .asciz "fms="
xsave: .asciz " xsave="
size:  .asciz " size="
xss:   .asciz " xss="
none:  .asciz "none\n"
ok:    .asciz " ok\n"
bad:   .asciz " fault\n"

.org 510
.word 0xaa55
