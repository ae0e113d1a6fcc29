module selfhosted.serverless/lab/pause

go 1.25
