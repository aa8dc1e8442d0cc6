// SPDX-License-Identifier: LGPL-2.1-or-later
// Stands for CloudStack's agent: runs a transformer and calls its method, as LibvirtKvmAgentHook does.
// Arguments: the script's folder and name, a file with the XML. The log goes to standard error.

class Logger {
    void info(Object message) { System.err.println(message) }

    void warn(Object message) { System.err.println('WARN ' + message) }
}

def engine = new GroovyScriptEngine(args[0])
def transformer = engine.run(args[1], new Binding())
def xml = new File(args[2]).getText('UTF-8')
System.out.write(transformer.invokeMethod('transform', [new Logger(), xml] as Object[]).getBytes('UTF-8'))
System.out.flush()
