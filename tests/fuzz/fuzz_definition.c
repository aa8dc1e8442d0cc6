/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Domain XML put together of pieces, one for each byte behind the first: well-formed by itself, so that
 * what is behind the parser is reached. Then as fuzz_domain.c.
 */

#include <string.h>

#include "core/qemu_args.h"
#include "core/record.h"
#include "fuzz.h"
#include "properties.h"

/* Each opens an element that a later byte closes. */
static const char *const containers[] = {
        "<cpu>",
        "<cpu mode='host-passthrough'>",
        "<cpu mode='maximum'>",
        "<cpu mode='host-model'>",
        "<cpu mode='custom'>",
        "<cpu match='exact'>",
        "<metadata>",
        "<q:commandline>",
        "<commandline xmlns='" QEMU_NAMESPACE "'>",
        "<r:commandline xmlns:r='" QEMU_NAMESPACE "' xmlns:q='urn:q'>",
        "<x:domain verdict='grant' reason='granted-forced' rule='all'>",
        "<x:domain verdict='grant' reason='granted-forced' rule='all' metadata='created'>",
        "<x:domain verdict='deny' reason='denied-by-guest-rule' rule='all' metadata='empty'>",
        "<xsavesd:domain xmlns:xsavesd='" RECORD_NAMESPACE "'>",
        "<devices>",
        "<os>",
        "<a xmlns='urn:a'>",
        "<q:arg value='-global'>",
};

static const char *const pieces[] = {
        "<name>guest</name>",
        "<uuid>6d4b5a86-3a0d-4b5c-9a57-0123456789ab</uuid>",
        "<type arch='x86_64'>hvm</type>",
        "<type arch='i686'>hvm</type>",
        "<model>EPYC-Rome</model>",
        "<model/>",
        "<topology sockets='1' cores='1' threads='1'/>",
        "<numa/>",
        "<feature name='xsaves'/>",
        "<feature policy='force' name='xsaves'/>",
        "<feature policy='require' name='xsaves'/>",
        "<feature name='xsaves' policy='optional'/>",
        "<feature policy='disable' name='xsaves'/>",
        "<feature policy='forbid' name='xsaves'/>",
        "<feature name='xsavec'/>",
        "<feature policy='require' name='xsavec'/>",
        "<feature policy='disable' name='xsavec'/>",
        "<feature policy='require' name='aes'/>",
        "<feature policy='require' name='monitor'/>",
        "<feature a:b='c' xmlns:a='urn:a' policy='require' name='xsaves'/>",
        "<q:arg value='-global'/>",
        "<q:arg value='x86_64-cpu.x-force-features=on'/>",
        "<q:arg value='-global'/><q:arg value='x86_64-cpu.x-force-features=on'/>",
        "<arg value='-global'/>",
        "<arg value='x86_64-cpu.x-force-features=on'/>",
        "<r:arg value='-global'/>",
        "<r:arg value='x86_64-cpu.x-force-features=on'/>",
        "<q:arg value='-cpu'/>",
        "<q:arg value='host,xsaves=on'/>",
        "<q:arg value='-no-hpet'/>",
        "<q:env name='a' value='b'/>",
        "<q:env name='a' value='b'>c</q:env>",
        "<x:feature name='xsaves' set='force' was='absent'/>",
        "<x:feature name='xsaves' set='force' was='absent' cpu='empty'/>",
        "<x:feature name='xsaves' set='disable' was='require'/>",
        "<x:feature name='xsaves' set='disable' was='unset'/>",
        "<x:feature name='xsavec' set='disable' was='absent'/>",
        "<x:force-pair was='absent'/>",
        "<x:force-pair was='absent' commandline='created'/>",
        "<x:force-pair was='absent' commandline='empty'/>",
        "<x:removed-arg half='value' at='1' gap='0' before=''/>",
        "<x:removed-arg half='option' at='0' gap='0' before=''/>",
        "<x:removed-arg half='value' at='3' gap='2' before='&#10; '/>",
        "<x:removed-arg half='option' at='2' gap='1' before='a'/>",
        "<!-- a -->",
        "<?a b?>",
        "<![CDATA[a]]>",
        "<![CDATA[ ]]>",
        "<b/>",
        "<libosinfo:libosinfo xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'>"
        "<libosinfo:os id='http://microsoft.com/win/2k16'/></libosinfo:libosinfo>",
        "text",
        " ",
        "\n",
        "\n  ",
        "\n    ",
        "&amp;&#9;",
};

#define DEPTH_MAX 16

/* Where a container's name ends in its start tag. */
static int name_length(const char *container) {
        return (int)strcspn(container + 1, " >");
}

static void put_together(FILE *file, const uint8_t *data, size_t size) {
        const char *open[DEPTH_MAX];
        size_t depth = 0;

        for (size_t i = 0; i < size; i++) {
                unsigned byte = data[i];

                if (byte < ELEMENTS_OF(pieces)) {
                        fputs(pieces[byte], file);
                } else if (byte - ELEMENTS_OF(pieces) < ELEMENTS_OF(containers) &&
                           depth < DEPTH_MAX) {
                        open[depth] = containers[byte - ELEMENTS_OF(pieces)];
                        fputs(open[depth++], file);
                } else if (depth > 0) {
                        depth--;
                        fprintf(file, "</%.*s>", name_length(open[depth]), open[depth] + 1);
                }
        }
        while (depth-- > 0)
                fprintf(file, "</%.*s>", name_length(open[depth]), open[depth] + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char *const types[] = {"kvm", "kvm", "kvm", "qemu"};
        AUTO_FREE char *text = NULL;
        const char *broken;
        size_t length;
        FILE *file;

        if (size < 2 || size > 4096)
                return 0;
        file = open_memstream(&text, &length);
        MUST(file, "memory");
        fprintf(file,
                "<domain type='%s' xmlns:q='" QEMU_NAMESPACE "' xmlns:x='" RECORD_NAMESPACE "'>",
                types[data[1] % ELEMENTS_OF(types)]);
        put_together(file, data + 2, size - 2);
        fputs("</domain>", file);
        fclose(file);

        broken = check_properties(&fuzz_bench(data[0])->judge, &fuzz_bench(data[0] / 16)->judge,
                                  text, length, NULL);
        if (broken) {
                fprintf(stderr, "%s\n", text);
                fuzz_fail(broken);
        }
        return 0;
}
