use buttress_problem::Problem;

#[derive(Problem)]
enum Headers {
    #[problem(status = 400, header(RETRY_AFTER = "3\n0"))]
    LineBreak,
    #[problem(status = 400, header(RETRY_AFTER = " 30"))]
    OuterSpace,
    #[problem(status = 400, header("x-käse" = "a", "x-ok" = "ü"))]
    NotAscii,
    #[problem(status = 400, header("two words" = "a"))]
    BadName,
    #[problem(status = 400, header(CONTENT_TYPE = "text/plain", "Content-Length" = 5))]
    OfTheDocument,
    #[problem(status = 400, header = "retry-after")]
    NoList,
    #[problem(status = 400, header(RETRY_AFTER))]
    NoValue,
    #[problem(status = 400, header(RETRY_AFTER = 3.5))]
    NoText,
    #[problem(status = 400)]
    Field {
        #[problem(header = "a:b")]
        bad_name: u8,
        #[problem(header)]
        no_name: u8,
        #[problem(header(RETRY_AFTER = "30"))]
        list: u8,
    },
}

fn main() {}
