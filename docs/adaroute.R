# Predictions of an adaroute model in R: one function, no Python inside of R.
#
#   source("adaroute.R")
#   answers <- adaroute_predict("model", people)
#   people$phq9_expected <- answers$phq9_predicted
#
# Needs the package jsonlite, and the program adaroute on the path (or its full name as `program`).
# The answer has a row for each row of `rows`, in the same order, and the columns that
# `adaroute predict` writes: prediction, ends of the interval, route, and what was present.
# NA is a gap, a factor is read by its labels, and no number is rounded on the way.

adaroute_predict <- function(model, rows, coverage = 0.9, program = "adaroute", quiet = FALSE) {
  if (!is.data.frame(rows)) stop("rows: expected a data frame, got ", class(rows)[1])
  if (length(coverage) != 1 || !is.numeric(coverage)) stop("coverage: expected one number")
  if (!nzchar(Sys.which(program))) stop("program: expected adaroute on the path, found none")
  files <- tempfile(c("asked", "said", "notes"))
  on.exit(unlink(files))
  asked <- jsonlite::toJSON(
    rows, dataframe = "rows", factor = "string", Date = "ISO8601", POSIXt = "ISO8601",
    na = "null", digits = I(17), always_decimal = FALSE
  )
  to <- file(files[1], open = "wb")
  writeLines(enc2utf8(asked), to, useBytes = TRUE)
  close(to)
  words <- c("answer", shQuote(path.expand(model)), "--coverage", format(coverage, digits = 15))
  status <- system2(
    program, c(words, if (quiet) "--quiet"),
    stdin = files[1], stdout = files[2], stderr = files[3]
  )
  notes <- readLines(files[3], encoding = "UTF-8", warn = FALSE)
  if (status != 0) stop(paste(notes, collapse = "\n"), call. = FALSE)
  for (note in notes) message(note)
  jsonlite::fromJSON(files[2])
}
