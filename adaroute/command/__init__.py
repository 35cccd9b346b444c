"Command: the verbs of `adaroute`."
