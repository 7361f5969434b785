// Runs a declarative Jenkinsfile: its words are Groovy methods, as Jenkins has them; `sh` is real.
//
// Arguments: the Jenkinsfile, and a JSON file with env, params, credentials, folder, causes and quiet: the
// stages whose shells are told and not run.
// What happened is printed as one JSON line an event. The exit status is that of the build.
import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import java.nio.file.FileSystems
import java.nio.file.Files
import java.util.stream.Collectors
import org.codehaus.groovy.control.CompilerConfiguration

class Failed extends RuntimeException { Failed(String what) { super(what) } }

// What a closure of the pipeline's settings assigns, as in environment { NAME = 'value' }.
class Assigned {
    Map values = [:]
    void setProperty(String name, Object value) { values[name] = value }
}

abstract class Words extends Script {
    static Map given
    static Map vars = [:]
    static List bound = []
    static String stage = ''
    static String node = ''
    static boolean failed = false
    static boolean red = false
    static Set caught = []

    void tell(Map what) { println('event ' + JsonOutput.toJson([stage: stage, node: node] + what)) }

    def at(Closure body, Object to = this) {
        body.delegate = to
        body.resolveStrategy = Closure.DELEGATE_FIRST
        return body()
    }

    // Settings of the job, which no step depends on.
    def options(Closure body) { at(body) }
    def buildDiscarder(x) { }
    def logRotator(Map x) { }
    def disableConcurrentBuilds() { }
    def skipDefaultCheckout() { }
    def timeout(Map x) { }
    def triggers(Closure body) { at(body) }
    def cron(String when) { if (when) { tell(cron: when) } }
    def parameters(Closure body) { at(body) }
    def choice(Map x) { given.params.putIfAbsent(x.name, x.choices[0]) }

    def string(Map x) {
        if (x.containsKey('credentialsId')) { return [(x.variable): given.credentials[x.credentialsId]] }
        given.params.putIfAbsent(x.name, '')
    }

    def getEnv() { given.env + vars }
    def getParams() { given.params }
    def getScm() { [userRemoteConfigs: [given.origin]] }
    def getCurrentBuild() { [getBuildCauses: { String kind -> given.causes.findAll { it._class == kind } }] as Expando }

    def pipeline(Closure body) {
        at(body)
        if (failed || red) { throw new Failed('a stage failed') }
    }

    def agent(x) { if (x instanceof Closure) { at(x) } }
    def label(String name) { node = name }
    def getNone() { null }

    def environment(Closure body) {
        Assigned found = new Assigned()
        at(body, found)
        vars.putAll(found.values)
    }

    def stages(Closure body) { at(body) }
    def parallel(Closure body) { at(body) }

    // Parts of a stage in the order in which Jenkins goes through them, wherever they are written.
    def stage(String name, Closure body) {
        if (failed && !parallelOf) { return }
        Map before = [stage: stage, node: node, vars: [*: vars]]
        stage = name
        Parts parts = new Parts()
        at(body, parts)
        if (parts.when && !new When(words: this).holds(parts.when)) {
            tell(skipped: true)
        } else {
            ran(parts)
        }
        stage = before.stage
        node = before.node
        vars = before.vars
    }

    static int parallelOf = 0

    void ran(Parts parts) {
        if (parts.agent) { at(parts.agent) }
        if (parts.environment) { environment(parts.environment) }
        String ended = 'succeeded'
        try {
            if (parts.parallel) {
                parallelOf++
                at(parts.parallel)
                parallelOf--
            }
            if (parts.steps) { at(parts.steps) }
        } catch (Failed err) {
            failed = true
            ended = 'failed'
        }
        try {
            if (parts.post) { at(parts.post) }
        } catch (Failed err) {
            failed = true
            ended = 'failed'
        }
        tell(ended: stage in caught ? 'failed' : ended)
    }

    def always(Closure body) { at(body) }

    // Steps.

    // The stage and the build are red, and go on.
    def catchError(Map x, Closure body) {
        try {
            body()
        } catch (Failed err) {
            red = true
            if (x.stageResult == 'FAILURE') { caught << stage }
        }
    }

    def sh(String script) { sh(script: script) }

    def sh(Map x) {
        if (stage in given.quiet) { tell(sh: x.script, status: 0, bound: bound*.keySet().flatten(), out: ''); return 0 }
        List words = ['bash', '-xe', '-c', x.script]
        ProcessBuilder builder = new ProcessBuilder(words).directory(workspace()).redirectErrorStream(true)
        Map all = given.env + given.params + vars + bound.collectEntries { it }
        all.each { key, value -> builder.environment()[key as String] = value as String }
        Process process = builder.start()
        String out = process.inputStream.text
        int status = process.waitFor()
        tell(sh: x.script.stripIndent().trim(), status: status, bound: bound*.keySet().flatten(), out: masked(out))
        if (x.returnStatus) { return status }
        if (status != 0) { throw new Failed(x.script) }
    }

    // Jenkins hides what is bound in the log.
    String masked(String text) {
        List secret = bound*.findAll { it.key != 'GIT_ASKPASS' }*.values().flatten()
        secret.findAll { it }.inject(text) { all, one -> all.replace(one as String, '****') }
    }

    File workspace() {
        File folder = new File(given.folder as String, node ?: 'none')
        folder.mkdirs()
        return folder
    }

    def withCredentials(List found, Closure body) {
        if (found.any { it.values().any { value -> value == null } }) { throw new Failed('no such credential') }
        bound.addAll(found)
        try {
            return body()
        } finally {
            found.size().times { bound.removeLast() }
        }
    }

    def usernamePassword(Map x) {
        List pair = given.credentials[x.credentialsId] ?: [null, null]
        return [(x.usernameVariable): pair[0], (x.passwordVariable): pair[1]]
    }

    // As the Git plugin does it: by a program that git asks.
    def gitUsernamePassword(Map x) {
        List pair = given.credentials[x.credentialsId] ?: [null, null]
        File asked = new File(given.folder as String, 'askpass')
        asked.text = '#!/bin/sh\ncase "$1" in User*) echo "$GIT_USERNAME" ;; *) echo "$GIT_PASSWORD" ;; esac\n'
        asked.setExecutable(true)
        return [GIT_USERNAME: pair[0], GIT_PASSWORD: pair[1], GIT_ASKPASS: asked.path]
    }

    def scmGit(Map x) { [main: x.branches[0].name == 'origin/main'] }
    def cleanBeforeCheckout() { }
    def localBranch(String name) { }

    // As the Git plugin does it: main by its own name, or what the pull request brings.
    def checkout(x) {
        boolean trusted = x.main == true
        String head = trusted ? 'origin/main' : "origin/${given.env.BRANCH_NAME}"
        String pull = given.env.CHANGE_ID ? "'+refs/pull/${given.env.CHANGE_ID}/head:refs/remotes/origin/PR-${given.env.CHANGE_ID}'" : ''
        tell(checkout: trusted ? 'main' : 'change')
        sh("""
            git init --quiet --initial-branch=nothing .
            git clean -ffdxq --exclude=.venv
            git remote add origin '${given.origin}' 2> /dev/null || true
            git fetch --quiet origin '+refs/heads/*:refs/remotes/origin/*' ${pull}
            git checkout --quiet --force -B ${trusted ? 'main' : 'change'} ${head}
        """)
    }

    def archiveArtifacts(Map x) { tell(archived: files(x.artifacts, false)) }
    def junit(Map x) { tell(junit: files(x.testResults, x.allowEmptyResults == true)) }

    // Files of the workspace that a pattern names; in a stage whose shells are not run there are none.
    List files(String pattern, boolean mayBeNone) {
        if (stage in given.quiet) { return [] }
        def matcher = FileSystems.default.getPathMatcher("glob:$pattern")
        def root = workspace().toPath()
        List found = Files.walk(root).filter { Files.isRegularFile(it) }.map { root.relativize(it) }
            .filter { matcher.matches(it) }.map { it.toString() }.sorted().collect(Collectors.toList())
        if (!found && !mayBeNone) { throw new Failed("no file is like $pattern") }
        return found
    }
}

class Parts {
    Closure when, agent, environment, steps, post, parallel
    void when(Closure x) { when = x }
    void agent(Closure x) { agent = x }
    void environment(Closure x) { environment = x }
    void steps(Closure x) { steps = x }
    void post(Closure x) { post = x }
    void parallel(Closure x) { parallel = x }
}

// All of its conditions have to hold.
class When {
    Words words
    boolean all = true
    boolean holds(Closure body) {
        body.delegate = this
        body.resolveStrategy = Closure.DELEGATE_FIRST
        body()
        return all
    }
    void beforeAgent(boolean x) { }
    void branch(String name) { all &= Words.given.env.BRANCH_NAME == name }
    void changeRequest(Map x) { all &= Words.given.env.CHANGE_TARGET == x.target }
    void expression(Closure x) { if (all) { all &= x() as boolean } }
}

Words.given = new JsonSlurper().parse(new File(args[1]))
CompilerConfiguration settings = new CompilerConfiguration(scriptBaseClass: 'Words')
try {
    new GroovyShell(this.class.classLoader, new Binding(), settings).evaluate(new File(args[0]))
} catch (Failed err) {
    System.exit(1)
}
