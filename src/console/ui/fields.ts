// Form fields with their labels and what helps to fill them in.

import { type Content, html, type View } from "../html.ts";
import { useId } from "../vendor/preact-hooks.js";

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly hint?: string;
}

export interface TextFieldProps extends FieldProps {
  readonly type?: "text" | "password";
  readonly required?: boolean;
  readonly autocomplete?: string;
  readonly lengthMax?: number;
  /** Regular expression that the whole text has to fit. */
  readonly pattern?: string;
  /** The focus is here when the form opens. */
  readonly first?: boolean;
  readonly suggestions?: readonly string[];
}

export function TextField(props: TextFieldProps): View {
  const { label, value, onValue, hint, type = "text", required = false, autocomplete = "off", suggestions } = props;
  const id = useId();
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <input
      id=${id}
      type=${type}
      value=${value}
      required=${required}
      autocomplete=${autocomplete}
      maxlength=${props.lengthMax}
      pattern=${props.pattern}
      autofocus=${props.first}
      autocapitalize="none"
      spellcheck=${false}
      list=${suggestions && `${id}-list`}
      aria-describedby=${hint && `${id}-hint`}
      onInput=${(event: InputEvent) => onValue((event.target as HTMLInputElement).value)}
    />
    ${suggestions && html`<datalist id=${`${id}-list`}>${suggestions.map((each) => html`<option value=${each} />`)}</datalist>`}
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
  </div>`;
}

export interface Choice {
  readonly value: string;
  readonly name: string;
}

export interface SelectFieldProps extends FieldProps {
  readonly choices: readonly Choice[];
}

export function SelectField({ label, value, onValue, hint, choices }: SelectFieldProps): View {
  const id = useId();
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <select
      id=${id}
      value=${value}
      aria-describedby=${hint && `${id}-hint`}
      onChange=${(event: Event) => onValue((event.target as HTMLSelectElement).value)}
    >
      ${choices.map((choice) => html`<option key=${choice.value} value=${choice.value}>${choice.name}</option>`)}
    </select>
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
  </div>`;
}

export interface DocumentFieldProps extends FieldProps {
  readonly readOnly?: boolean;
}

/** Text of several lines in a fixed-width face. */
export function DocumentField({ label, value, onValue, hint, readOnly = false }: DocumentFieldProps): View {
  const id = useId();
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <textarea
      id=${id}
      rows=${Math.min(24, Math.max(8, value.split("\n").length))}
      value=${value}
      readOnly=${readOnly}
      autocapitalize="none"
      spellcheck=${false}
      aria-describedby=${hint && `${id}-hint`}
      onInput=${(event: InputEvent) => onValue((event.target as HTMLTextAreaElement).value)}
    ></textarea>
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
  </div>`;
}

export interface CheckFieldProps {
  readonly label: Content;
  readonly checked: boolean;
  readonly onChecked: (checked: boolean) => void;
}

export function checkField({ label, checked, onChecked }: CheckFieldProps): View {
  const onChange = (event: Event): void => onChecked((event.target as HTMLInputElement).checked);
  return html`<label class="check"><input type="checkbox" checked=${checked} onChange=${onChange} /> <span>${label}</span></label>`;
}
