use buttress_problem::Problem;

#[derive(Problem)]
enum Details {
    #[problem(status = NOT_FOUND, public)]
    PublicClientError,
    #[problem(status = 500, private)]
    PrivateServerError,
    #[problem(status = 500, public, detail = "fixed")]
    PublicAndFixed,
    #[problem(status = 404, detail = "fixed", private)]
    PrivateAndFixed,
    #[problem(status = 404, public, private)]
    Both,
}

fn main() {}
