/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The least that a program can be. */

int main(void) {
        return 0;
}
