// SPDX-License-Identifier: LGPL-2.1-or-later
//
// CloudStack's libvirt XML transformer: the VM's XML as xsavesd's policy wants it on this host. For agents without a
// shell_script; else take the shell script beside this one.
//
// To /etc/cloudstack/agent/hooks/libvirt-vm-xml-transformer.groovy. The agent runs the script and calls transform() of the
// object that it gives. When that fails the VM starts with the XML as it was, and xsavesd's libvirt hook is what refuses
// it.

class XsavesTransformer {
    static final long LIMIT_MSEC = 30000

    String transform(Object logger, String xml) {
        def output = new ByteArrayOutputStream()
        def reason = new ByteArrayOutputStream()
        def process = ['xsavesctl', 'rewrite', '--offline'].execute()
        def readers = [process.consumeProcessOutputStream(output), process.consumeProcessErrorStream(reason)]

        process.withOutputStream { it.write(xml.getBytes('UTF-8')) }
        process.waitForOrKill(LIMIT_MSEC)
        readers*.join()
        if (process.exitValue() != 0) {
            logger.warn('xsavesd: not rewritten, exit status ' + process.exitValue() + ': ' + reason.toString('UTF-8'))
            return xml
        }
        logger.info('xsavesd: ' + reason.toString('UTF-8').trim())
        return output.toString('UTF-8')
    }
}

new XsavesTransformer()
