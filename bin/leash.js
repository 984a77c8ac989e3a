// Loaded into a child before its program: the child dies with the launcher, even one that is killed with -9.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
process.channel?.unref()
