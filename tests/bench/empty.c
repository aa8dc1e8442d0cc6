/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What any program costs that libvirt runs as a hook. */
int main(void) {
        return 0;
}
