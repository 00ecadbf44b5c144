// What is asked of the server.

// fetched gives an answer, or throws an Error whose message is the server's reason and whose status is that of the answer.
export async function fetched(url) {
  const answer = await fetch(url, { headers: { Accept: 'application/json' } });
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    throw Object.assign(new Error(told.error || answer.statusText), { status: answer.status });
  }
  return answer;
}

// ask gives JSON, or throws as fetched does.
export async function ask(url) {
  return (await fetched(url)).json();
}

// attributes gives attributes of an entry, by name.
export async function attributes(url, ...names) {
  return (await ask(`${url}?attributes=${names.join(',')}`)).attributes;
}
